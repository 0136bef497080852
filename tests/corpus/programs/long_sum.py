"""One call of sum() over a long range is one call in C: no other thread runs until it is over."""

import threading
import time


def add_up():
    for _ in range(4):
        sum(range(8_000_000))  # culprit
        time.sleep(0.02)


adder = threading.Thread(target=add_up, name="adder")
adder.start()
while adder.is_alive():
    time.sleep(0.004)
