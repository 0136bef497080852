"""An asyncio loop whose handlers are short, after a start that is not: nothing waits for it yet."""

import asyncio
import time


async def beat():
    while True:
        await asyncio.sleep(0.005)


async def handle(number):
    await asyncio.sleep(0.001)
    return sum(range(number))


async def main():
    end = time.thread_time() + 0.06
    while time.thread_time() < end:
        pass
    beating = asyncio.create_task(beat())
    for _ in range(40):
        await asyncio.gather(*(handle(100) for _ in range(5)))
        await asyncio.sleep(0.01)
    beating.cancel()


asyncio.run(main())
