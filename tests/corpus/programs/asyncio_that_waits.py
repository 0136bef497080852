"""An asyncio loop with a hundred tasks that wait for timers."""

import asyncio


async def wait():
    for _ in range(5):
        await asyncio.sleep(0.06)


async def main():
    await asyncio.gather(*(wait() for _ in range(100)))


asyncio.run(main())
