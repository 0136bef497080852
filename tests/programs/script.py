"""A whole script as a task: it must find itself to be `__main__`."""

import sys


def main():
    """Fails where it is not what `python script.py` makes it."""
    assert sys.modules["__main__"].main is main
    assert sys.argv[1:] == ["--option", "value"], sys.argv


if __name__ == "__main__":
    main()
else:
    raise RuntimeError(f"run as {__name__}")
