"""An asyncio loop that hands a large text to a process, which has a GIL of its own."""

import asyncio
import json
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

text = json.dumps([{"number": number, "name": f"row {number}", "at": [number, 0.5]} for number in range(60_000)])


def count_rows(text):
    return len(json.loads(text))


async def beat():
    while True:
        await asyncio.sleep(0.01)


async def main():
    beating = asyncio.create_task(beat())
    loop = asyncio.get_running_loop()
    with ProcessPoolExecutor(1, mp_context=get_context("fork")) as pool:
        for _ in range(5):
            await asyncio.sleep(0.05)
            await loop.run_in_executor(pool, count_rows, text)
    beating.cancel()


asyncio.run(main())
