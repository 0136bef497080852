"""A handler of an asyncio loop that parses for long, with no second thread: the loop stands still, by itself."""

import asyncio
import json

body = json.dumps([{"number": number, "list": [number, number]} for number in range(160_000)])


async def beat():
    while True:
        await asyncio.sleep(0.01)


async def handle():
    return len(json.loads(body))  # culprit


async def main():
    beating = asyncio.create_task(beat())
    for _ in range(5):
        await asyncio.sleep(0.05)
        await asyncio.create_task(handle())
    beating.cancel()


asyncio.run(main())
