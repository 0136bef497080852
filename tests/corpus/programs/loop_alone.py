"""A handler of an asyncio loop that computes 200 ms in Python, with no second thread: all others are late."""

import asyncio
import time


async def beat():
    while True:
        await asyncio.sleep(0.01)


def count():
    end = time.thread_time() + 0.2
    while time.thread_time() < end:
        pass


async def handle():  # culprit
    count()


async def main():
    beating = asyncio.create_task(beat())
    for _ in range(4):
        await asyncio.sleep(0.05)
        await asyncio.create_task(handle())
    beating.cancel()


asyncio.run(main())
