"""A greenlet that computes 200 ms in Python, with no second thread: gevent's hub comes to no other one meanwhile."""

import time

import gevent


def beat():
    while True:
        gevent.sleep(0.01)


def count():
    end = time.thread_time() + 0.2
    while time.thread_time() < end:
        pass


def handle():
    count()
    gevent.sleep(0)  # culprit


beating = gevent.spawn(beat)
for _ in range(4):
    gevent.sleep(0.05)
    gevent.spawn(handle).join()
beating.kill()
