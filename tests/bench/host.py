"""The host that the benchmarks run, and the stock `python` beside it."""

import os
import subprocess
import sys

HOST = os.environ["GILSCOPE_HOST"]


def run(command: list[str], environment: str | None = None) -> str:
    """What it printed, in this virtual environment or in none: the host would use an active one."""
    variables = {name: value for name, value in os.environ.items() if name != "VIRTUAL_ENV"}
    if environment is not None:
        variables["VIRTUAL_ENV"] = environment
    return subprocess.run(command, env=variables, check=True, capture_output=True, text=True).stdout.strip()


def stock_python() -> str:
    """The `python` of the build that the host embeds, whatever environment is active."""
    return run([HOST, "run", "-q", "-c", "import sys; print(sys.executable)"])


def has_gil() -> bool:
    return bool(getattr(sys, "_is_gil_enabled", lambda: True)())


def require_gil() -> None:
    """End a benchmark that has nothing to measure here."""
    if not has_gil():
        print("this Python has no GIL: there is nothing to trace")
        sys.exit()
