"""Without a GIL, a thread that asks for the frames of all others ten times in a second, for which all are stopped."""

import sys
import threading
import time


def compute():
    total = 0
    for i in range(6_000_000):
        total += i


def watch():
    while any(computer.is_alive() for computer in computers):
        sys._current_frames()
        time.sleep(0.1)


computers = [threading.Thread(target=compute, name="computer")]
for computer in computers:
    computer.start()
watcher = threading.Thread(target=watch, name="watcher")
watcher.start()
for computer in computers:
    computer.join()
watcher.join()
