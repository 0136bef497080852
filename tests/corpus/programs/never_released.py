"""A C call that keeps the GIL and never returns: an alarm ends the process."""

import ctypes
import signal
import threading


def lock():
    ctypes.PyDLL(None).pause()  # culprit


signal.setitimer(signal.ITIMER_REAL, 0.9)
locker = threading.Thread(target=lock, name="locker")
locker.start()
while locker.is_alive():
    locker.join(0.01)
