"""Add and subtract in two threads, each of which waits: a thread that waits does without the GIL.

The printed seconds are the article's, whatever --scale makes of the wait.
"""

import threading

import options
from waiting import say, wait

A, B = 25, 30
ADD_SECONDS = 20
SUB_SECONDS = 10


def add(a: int = A, b: int = B) -> int:
    """Wait, then print the sum, and return it."""
    say("Inside add function", blank_lines=1)
    say(f"Waiting for {ADD_SECONDS} seconds in add", blank_lines=1)
    wait(ADD_SECONDS)
    say(f"Addition value: {a + b}")
    return a + b


def sub(a: int = A, b: int = B) -> int:
    """Print the difference, then wait, and return it."""
    say("Inside sub function", blank_lines=1)
    say(f"Subtraction Value {a - b}:")
    say(f"Waiting for {SUB_SECONDS} seconds in sub", blank_lines=1)
    wait(SUB_SECONDS)
    return a - b


def main() -> None:
    """Run both functions at once."""
    options.read(__doc__)
    # Daemons, so that Ctrl-C ends the program at once and not when they have waited.
    threads = [threading.Thread(target=function, args=(A, B), daemon=True) for function in (add, sub)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    say("Complete")


if __name__ == "__main__":
    main()
