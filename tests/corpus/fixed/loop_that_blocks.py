"""A handler of an asyncio loop that calls its driver in a thread: the thread sleeps, and the loop goes on."""

import asyncio
import time


async def beat():
    while True:
        await asyncio.sleep(0.01)


async def handle():
    await asyncio.to_thread(time.sleep, 0.12)


async def main():
    beating = asyncio.create_task(beat())
    for _ in range(6):
        await asyncio.sleep(0.05)
        await asyncio.create_task(handle())
    beating.cancel()


asyncio.run(main())
