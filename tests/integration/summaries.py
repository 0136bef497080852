"""Figures of gilscope.summary/1, as the tests of `gilscope run` ask for them."""

from typing import Any

# As many releases of the GIL as its argument says, by the thread that runs it.
READS = """
import os, sys
zero = os.open("/dev/zero", os.O_RDONLY)
for _ in range(int(sys.argv[1])):
    os.read(zero, 1)
"""


def gils(document: dict[str, Any]) -> list[dict[str, Any]]:
    """Of the first process."""
    found: list[dict[str, Any]] = document["processes"][0]["gils"]
    return found


def main_thread(document: dict[str, Any], process: int = 0) -> dict[str, Any]:
    """Of a process, on its first GIL."""
    threads: list[dict[str, Any]] = document["processes"][process]["threads"]
    return next(thread for thread in threads if thread["name"] == "MainThread")


def releases(document: dict[str, Any], process: int = 0) -> int:
    """All that a process made."""
    return sum(gil["forced"] + gil["voluntary"] for gil in document["processes"][process]["gils"])
