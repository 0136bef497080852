"""One thread of pure Python, in generators."""


def numbers():
    yield from range(3_000_000)


def evens():
    for number in numbers():
        if number % 2 == 0:
            yield number


print(sum(1 for _ in evens()))
