"""sum() over a generator runs Python code for each number: others wait for a switch interval, no longer."""

import threading
import time


def squares():
    for number in range(2_500_000):  # culprit
        yield number * number  # culprit


def add_up():
    sum(squares())  # culprit


adder = threading.Thread(target=add_up, name="adder")
adder.start()
while adder.is_alive():
    time.sleep(0.001)
