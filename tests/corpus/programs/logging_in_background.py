"""Records that go through a queue to a listener's thread, at no great pace."""

import logging
import logging.handlers
import queue
import time

records: queue.SimpleQueue[logging.LogRecord] = queue.SimpleQueue()
listener = logging.handlers.QueueListener(records, logging.NullHandler())
log = logging.getLogger("app")
log.addHandler(logging.handlers.QueueHandler(records))
log.setLevel(logging.INFO)
listener.start()
for number in range(60):
    log.info("request %d", number)
    time.sleep(0.006)
listener.stop()
