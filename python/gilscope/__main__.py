"""The command line, `gilscope` and `python -m gilscope`: this Python is its engine."""

import os
import sys

from gilscope import _native


def main() -> int:
    """Run the command line of this process, and return its exit code."""
    return _native.run_command_line([os.fsencode(argument) for argument in sys.argv[1:]])


if __name__ == "__main__":
    sys.exit(main())
