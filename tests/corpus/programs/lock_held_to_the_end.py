"""A thread that sleeps with a lock that two others want, until an alarm ends it: slow, and no deadlock."""

import signal
import threading
import time


def upload():
    with lock:
        begun.set()
        time.sleep(60)


def save():
    with lock:
        pass


signal.setitimer(signal.ITIMER_REAL, 1.8)
lock = threading.Lock()
begun = threading.Event()
works = (upload, save, save)
threads = [threading.Thread(target=work, name=f"{work.__name__} {number}") for number, work in enumerate(works)]
threads[0].start()
begun.wait()
for thread in threads[1:]:
    thread.start()
for thread in threads:
    thread.join()
