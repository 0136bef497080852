"""A C library's mutex that two threads want, each without the GIL: nothing stands still."""

import ctypes
import threading
import time

releases_the_gil = ctypes.CDLL(None)
mutex = ctypes.create_string_buffer(64)


def drain():
    releases_the_gil.pthread_mutex_lock(mutex)
    time.sleep(0.2)
    releases_the_gil.pthread_mutex_unlock(mutex)


def log():
    time.sleep(0.05)
    releases_the_gil.pthread_mutex_lock(mutex)


threads = [threading.Thread(target=drain, name="drain"), threading.Thread(target=log, name="logger")]
for thread in threads:
    thread.start()
while any(thread.is_alive() for thread in threads):
    time.sleep(0.01)
