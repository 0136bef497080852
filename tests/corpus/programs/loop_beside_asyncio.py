"""An event loop that hands itself work, beside a thread that computes."""

import asyncio
import threading


def compute():
    total = 0
    for i in range(3_000_000):  # culprit
        total += i  # culprit


async def serve():
    while worker.is_alive():
        await asyncio.sleep(0)


worker = threading.Thread(target=compute, name="computer")
worker.start()
asyncio.run(serve())
