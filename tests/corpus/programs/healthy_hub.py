"""Greenlets that compute for 3 ms at a time and wait: nobody is kept from gevent's hub for long."""

import time

import gevent


def beat():
    while True:
        gevent.sleep(0.01)


def handle():
    for _ in range(4):
        end = time.thread_time() + 0.003
        while time.thread_time() < end:
            pass
        gevent.sleep(0.03)


beating = gevent.spawn(beat)
for _ in range(5):
    gevent.joinall([gevent.spawn(handle) for _ in range(2)])
beating.kill()
