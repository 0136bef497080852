"""gevent's own pool has real threads: they compute, and the hub waits for the GIL."""

import time

import gevent


def beat():
    while True:
        gevent.sleep(0.005)


def crunch():
    end = time.perf_counter() + 0.2
    while time.perf_counter() < end:  # culprit
        pass


beating = gevent.spawn(beat)
gevent.sleep(0.02)
pool = gevent.get_hub().threadpool
jobs = [pool.spawn(crunch) for _ in range(4)]
for job in jobs:
    job.get()
beating.kill()
