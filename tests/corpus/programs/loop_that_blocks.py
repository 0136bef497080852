"""A handler of an asyncio loop that calls a driver without await: it sleeps, and the loop with it."""

import asyncio
import time


async def beat():
    while True:
        await asyncio.sleep(0.01)


async def handle():
    time.sleep(0.12)
    await asyncio.sleep(0)  # culprit


async def main():
    beating = asyncio.create_task(beat())
    for _ in range(6):
        await asyncio.sleep(0.05)
        await asyncio.create_task(handle())
    beating.cancel()


asyncio.run(main())
