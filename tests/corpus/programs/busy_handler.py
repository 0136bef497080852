"""An event loop, one of whose tasks does not come back to it for long, beside a thread that has little to do."""

import asyncio
import re
import threading
import time


def beat():
    while not over.is_set():
        time.sleep(0.001)


def parse():
    re.match(r"(a+)+b", "a" * 22)  # culprit


async def handle():
    for _ in range(2):
        parse()
        await asyncio.sleep(0.005)


over = threading.Event()
beater = threading.Thread(target=beat, name="beater")
beater.start()
asyncio.run(handle())
over.set()
beater.join()
