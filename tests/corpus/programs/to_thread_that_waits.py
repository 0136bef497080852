"""asyncio.to_thread() for calls that wait: that is what it is for."""

import asyncio
import time


async def main():
    await asyncio.gather(*(asyncio.to_thread(time.sleep, 0.2) for _ in range(10)))
    await asyncio.gather(*(asyncio.to_thread(time.sleep, 0.2) for _ in range(10)))


asyncio.run(main())
