"""Two processes that compute in Python at once, each with a GIL of its own."""

import multiprocessing


def compute():
    total = 0
    for number in range(1_500_000):
        total += number


if __name__ == "__main__":
    context = multiprocessing.get_context("fork")
    computers = [context.Process(target=compute, name=f"computer-{i}") for i in range(2)]
    for computer in computers:
        computer.start()
    for computer in computers:
        computer.join()
