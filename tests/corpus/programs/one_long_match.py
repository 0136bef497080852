"""Thirty matches, of which one takes for ever: a watchdog does not come to bark."""

import re
import threading
import time

pattern = re.compile(r"(x+x+)+y")


def watch():
    while not over.wait(0.02):
        pass


def check(line):
    return pattern.search(line)  # culprit


def read_lines():
    for number in range(30):
        check("x" * 22 if number == 15 else f"line {number}")
        time.sleep(0.01)


over = threading.Event()
watchdog = threading.Thread(target=watch, name="watchdog")
watchdog.start()
reader = threading.Thread(target=read_lines, name="line reader")
reader.start()
reader.join()
over.set()
watchdog.join()
