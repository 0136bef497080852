"""As busy_handler.py, but for the matches, which are short: the loop has its turn between them."""

import asyncio
import re
import threading
import time


def beat():
    while not over.is_set():
        time.sleep(0.001)


async def handle():
    for _ in range(50):
        re.match(r"(a+)+b", "a" * 15)
        await asyncio.sleep(0.001)


over = threading.Event()
beater = threading.Thread(target=beat, name="beater")
beater.start()
asyncio.run(handle())  # culprit
over.set()
beater.join()
