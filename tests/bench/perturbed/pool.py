"""A ThreadPoolExecutor of 16 with tiny tasks: 100,000 of them, or as many as the time allows."""

import time
from concurrent.futures import ThreadPoolExecutor

from rates import SECONDS, report

TASKS = 100_000
AT_ONCE = 500

done = 0
with ThreadPoolExecutor(16) as pool:
    begin = time.perf_counter()
    while done < TASKS and time.perf_counter() < begin + SECONDS:
        done += sum(pool.map(bool, [1] * AT_ONCE))
    report(done, time.perf_counter() - begin)
