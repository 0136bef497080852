"""Threads that do little but log, by a handler that fills a queue: they take turns at its lock; the GIL comes next."""

import logging
import logging.handlers
import queue
import threading


def work(number):
    for turn in range(500):
        log.info("message %d of %d", turn, number)  # culprit


messages: queue.SimpleQueue[logging.LogRecord] = queue.SimpleQueue()
log = logging.getLogger()
log.setLevel(logging.INFO)
log.addHandler(logging.handlers.QueueHandler(messages))
listener = logging.handlers.QueueListener(messages, logging.NullHandler())
listener.start()
threads = [threading.Thread(target=work, args=(number,), name=f"app-{number}") for number in range(4)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
listener.stop()
