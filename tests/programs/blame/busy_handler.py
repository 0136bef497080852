"""An event loop, one of whose tasks does not come back to it for long, beside a thread that has little to do."""

import asyncio
import re
import threading
import time


def beat():
    while not over.is_set():
        time.sleep(0.001)


async def handle():
    for _ in range(2):
        re.match(r"(a+)+b", "a" * 24)  # culprit
        await asyncio.sleep(0.005)


over = threading.Event()
beater = threading.Thread(target=beat, name="beater")
beater.start()
asyncio.run(handle())
over.set()
beater.join()
