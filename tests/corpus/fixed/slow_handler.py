"""All threads log into a queue, and one thread of its own writes what comes out of it."""

import logging
import logging.handlers
import queue
import threading
import time


class SlowDisk(logging.Handler):
    def emit(self, record):
        self.format(record)
        time.sleep(0.004)


def serve():
    for number in range(20):
        log.info("request %d", number)


records: queue.SimpleQueue[logging.LogRecord] = queue.SimpleQueue()
listener = logging.handlers.QueueListener(records, SlowDisk())
listener.start()
log = logging.getLogger("app")
log.addHandler(logging.handlers.QueueHandler(records))
log.setLevel(logging.INFO)
log.propagate = False
workers = [threading.Thread(target=serve, name=f"worker {number}") for number in range(8)]
for worker in workers:
    worker.start()
for worker in workers:
    worker.join()
listener.stop()
