"""A handler of an asyncio loop that has another process compute for 200 ms: nobody is late."""

import asyncio
import multiprocessing
import time
from concurrent.futures import ProcessPoolExecutor


async def beat():
    while True:
        await asyncio.sleep(0.01)


def count():
    end = time.thread_time() + 0.2
    while time.thread_time() < end:
        pass


async def handle(pool):
    await asyncio.get_running_loop().run_in_executor(pool, count)


async def main():
    with ProcessPoolExecutor(1, multiprocessing.get_context("fork")) as pool:
        beating = asyncio.create_task(beat())
        for _ in range(4):
            await asyncio.sleep(0.05)
            await asyncio.create_task(handle(pool))
        beating.cancel()


if __name__ == "__main__":
    asyncio.run(main())
