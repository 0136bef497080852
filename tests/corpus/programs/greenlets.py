"""Greenlets that sleep: one thread, which waits for timers."""

from gevent import monkey

monkey.patch_all()

import threading  # noqa: E402
import time  # noqa: E402


def serve():
    for _ in range(40):
        time.sleep(0.02)
        sum(range(5_000))


workers = [threading.Thread(target=serve) for _ in range(10)]
for worker in workers:
    worker.start()
for worker in workers:
    worker.join()
