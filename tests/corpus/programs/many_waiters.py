"""Ten threads that want to run every few milliseconds, beside one long call in C, three times."""

import re
import threading
import time


def tick():
    while not over.is_set():
        time.sleep(0.01)


over = threading.Event()
tickers = [threading.Thread(target=tick, name=f"ticker {number}") for number in range(10)]
for ticker in tickers:
    ticker.start()
for _ in range(3):
    re.match(r"(a+)+$", "a" * 21 + "b")  # culprit
    time.sleep(0.02)
over.set()
for ticker in tickers:
    ticker.join()
