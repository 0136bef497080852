"""Add, then subtract: one thread, which every program has, does one after the other."""

import options

A, B = 25, 30


def add(a: int = A, b: int = B) -> int:
    """Print the sum, and return it."""
    print("Addition value: ", a + b)
    return a + b


def sub(a: int = A, b: int = B) -> int:
    """Print the difference, and return it."""
    print("Subtraction Value: ", a - b)
    return a - b


def main() -> None:
    """Run both functions."""
    options.read(__doc__)
    add(A, B)
    sub(A, B)


if __name__ == "__main__":
    main()
