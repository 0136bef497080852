"""As json_in_executor.py, by orjson's dumps: a C function that no Python frame is around, but the executor's."""

import asyncio

import orjson

rows = [{"number": number, "name": f"row {number}", "at": [number, 0.5]} for number in range(500_000)]


async def beat():
    while True:
        await asyncio.sleep(0.01)


async def main():
    beating = asyncio.create_task(beat())
    loop = asyncio.get_running_loop()
    for _ in range(5):
        await asyncio.sleep(0.05)
        await loop.run_in_executor(None, orjson.dumps, rows)
    beating.cancel()


asyncio.run(main())
