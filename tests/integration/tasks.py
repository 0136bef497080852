"""The tasks of tests/programs, as the tests of `gilscope compare` name them."""

from pathlib import Path

PROGRAMS = Path(__file__).parents[1] / "programs"
TASKS = PROGRAMS / "tasks.py"


def task(function: str) -> str:
    """The task of tasks.py."""
    return f"{TASKS}:{function}"
