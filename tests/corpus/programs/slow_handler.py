"""All threads log by one handler that is slow under its own lock, which is not the GIL."""

import logging
import threading
import time


class SlowDisk(logging.Handler):
    def emit(self, record):
        self.format(record)
        time.sleep(0.004)


def serve():
    for number in range(20):
        log.info("request %d", number)  # culprit


log = logging.getLogger("app")
log.addHandler(SlowDisk())
log.setLevel(logging.INFO)
log.propagate = False
workers = [threading.Thread(target=serve, name=f"worker {number}") for number in range(8)]
for worker in workers:
    worker.start()
for worker in workers:
    worker.join()
