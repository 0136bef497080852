"""Twelve threads of asyncio.to_thread() that compute in Python: the loop has its turn among them."""

import asyncio


def score():
    total = 0
    for number in range(400_000):  # culprit
        total += number % 7  # culprit
    return total


async def beat():
    while True:
        await asyncio.sleep(0.02)


async def main():
    beating = asyncio.create_task(beat())
    await asyncio.gather(*(asyncio.to_thread(score) for _ in range(12)))
    beating.cancel()


asyncio.run(main())
