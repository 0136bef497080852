"""What a stock Python is asked by `gilscope compare --python`: `PYTHON FOLDER facts`, or `PYTHON FOLDER trial SPEC`.

The host writes it out as FOLDER/__main__.py, beside the modules that it has frozen: files, because a spawned worker
imports them too. Answers are one line behind a mark, which tells it from what a sitecustomize prints.
"""

from __future__ import annotations

import os
import sys

MARK = "gilscope-answer:"  # run/stock_python.cpp


def facts() -> str:
    """What this Python is, and which installation's it is."""
    import json

    import _gilscope_describe_python

    base = getattr(sys, "_base_executable", None) or sys.executable
    return json.dumps({**_gilscope_describe_python.facts(), "base_executable": os.path.realpath(base)})


def refuse_subinterpreters(workers: int, jobs: int, spec: bytes) -> list[bytes]:
    """Sub-interpreters are the C API's: the host asks for none here."""
    raise NotImplementedError("sub-interpreters need a gilscope host")


def run_trial(spec: str) -> str:
    """The record of the trial."""
    import _gilscope_trial_modes

    record: str = _gilscope_trial_modes.main(spec, refuse_subinterpreters)
    return record


def main() -> None:
    """Answers on what standard output is now; nothing else that is printed gets there."""
    output = os.dup(1)
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, 1)
    os.close(null)
    answer = facts() if sys.argv[1] == "facts" else run_trial(sys.argv[2])
    with open(output, "w", encoding="utf-8", errors="replace") as stream:
        stream.write(f"\n{MARK}{answer}\n")


if __name__ == "__main__":
    main()
