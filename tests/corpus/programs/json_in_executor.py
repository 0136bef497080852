"""An asyncio loop that hands a large text to an executor's thread, so as to stay free: the parser keeps the GIL."""

import asyncio
import json

text = json.dumps([{"number": number, "name": f"row {number}", "at": [number, 0.5]} for number in range(60_000)])


async def beat():
    while True:
        await asyncio.sleep(0.01)


async def main():
    beating = asyncio.create_task(beat())
    loop = asyncio.get_running_loop()
    for _ in range(5):
        await asyncio.sleep(0.05)
        await loop.run_in_executor(None, json.loads, text)
    beating.cancel()


asyncio.run(main())
