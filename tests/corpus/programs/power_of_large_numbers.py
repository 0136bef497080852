"""The power of large numbers, in C, beside an asyncio loop."""

import asyncio


def encrypt():
    return pow(3, 1 << 5_000, (1 << 8_000) - 1)  # culprit


async def beat():
    while True:
        await asyncio.sleep(0.01)


async def main():
    beating = asyncio.create_task(beat())
    for _ in range(4):
        await asyncio.sleep(0.03)
        await asyncio.to_thread(encrypt)
    beating.cancel()


asyncio.run(main())
