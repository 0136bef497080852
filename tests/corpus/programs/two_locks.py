"""A C library's mutex and the GIL, taken by two threads in opposite order: an alarm ends what never would."""

import ctypes
import signal
import threading
import time

releases_the_gil = ctypes.CDLL(None)
keeps_the_gil = ctypes.PyDLL(None)
mutex = ctypes.create_string_buffer(64)


def drain():
    releases_the_gil.pthread_mutex_lock(mutex)
    time.sleep(0.2)
    releases_the_gil.pthread_mutex_unlock(mutex)


def log():
    time.sleep(0.05)  # where it got the GIL: # culprit
    keeps_the_gil.pthread_mutex_lock(mutex)  # culprit


signal.setitimer(signal.ITIMER_REAL, 1)
threads = [threading.Thread(target=drain, name="drain"), threading.Thread(target=log, name="logger")]
for thread in threads:
    thread.start()
while any(thread.is_alive() for thread in threads):
    time.sleep(0.01)
