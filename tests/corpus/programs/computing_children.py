"""Two processes, in each of which two threads compute: the same line in both is one cause."""

import multiprocessing
import threading


def compute():
    total = 0
    for number in range(1_200_000):  # culprit
        total += number  # culprit


def work():
    computers = [threading.Thread(target=compute, name=f"computer {number}") for number in range(2)]
    for computer in computers:
        computer.start()
    for computer in computers:
        computer.join()


if __name__ == "__main__":
    processes = [multiprocessing.get_context("fork").Process(target=work) for _ in range(2)]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
