"""Count twice, one after the other."""

import time

import options
from counting import count_down, count_up, print_time_since


def main() -> None:
    """Run both functions, and print how long they took."""
    options.read(__doc__)
    start = time.perf_counter()
    count_up()
    count_down()
    print_time_since(start)


if __name__ == "__main__":
    main()
