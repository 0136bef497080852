"""A thread that looks at a flag every 10 ms: no busy waiting."""

import threading
import time


def watch():
    while not over:
        time.sleep(0.01)


over = False
watcher = threading.Thread(target=watch, name="watcher")
watcher.start()
time.sleep(0.6)
over = True
watcher.join()
