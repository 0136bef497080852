"""The host that the benchmarks run, and the stock `python` beside it."""

import os
import subprocess

HOST = os.environ["GILSCOPE_HOST"]


def run(command: list[str]) -> str:
    """What it printed, in no virtual environment: the host would use an active one."""
    environment = {name: value for name, value in os.environ.items() if name != "VIRTUAL_ENV"}
    return subprocess.run(command, env=environment, check=True, capture_output=True, text=True).stdout.strip()


def stock_python() -> str:
    """The `python` of the build that the host embeds, whatever environment is active."""
    return run([HOST, "run", "-q", "-c", "import sys; print(sys.executable)"])
