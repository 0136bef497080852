"""A pool whose tasks wait, and a main thread that computes with their results when all of them have come."""

import time
from concurrent.futures import ThreadPoolExecutor

with ThreadPoolExecutor(5) as pool:
    answers = list(pool.map(lambda _: time.sleep(0.1) or 7, range(20)))  # type: ignore[func-returns-value]
total = 0
for number in range(1_500_000):
    total += number % answers[0]
