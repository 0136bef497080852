"""An array of Python objects: numpy adds them up with the GIL, beside a thread that wants to run."""

import threading
import time

import numpy as np

prices = np.array([f"{number}" for number in range(300_000)], dtype=object)


def sum_up():
    for _ in range(6):
        np.sort(prices)  # culprit
        time.sleep(0.02)


summer = threading.Thread(target=sum_up, name="sorter")
summer.start()
while summer.is_alive():
    time.sleep(0.004)
