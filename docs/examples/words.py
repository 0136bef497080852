"""Count the words of a text twice, in a thread each."""

import threading
import time

LINES = ["to be or not to be that is the question"] * 150_000


def count_words() -> int:
    """Return how many different words the lines have."""
    counts: dict[str, int] = {}
    for line in LINES:
        for word in line.split():
            counts[word] = counts.get(word, 0) + 1
    return len(counts)


def main() -> None:
    """Count in two threads, and say how long that took."""
    begin = time.perf_counter()
    threads = [threading.Thread(target=count_words) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    print(f"counted in {time.perf_counter() - begin:.2f} s")


if __name__ == "__main__":
    main()
