"""The article's programs for the tests: what each prints, whichever Python runs it, and code that keeps one waiting."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable

ARTICLE = Path(__file__).resolve().parents[1] / "python" / "article"
PATIENCE_S = 60  # only a hang takes as long

ADD_SUB = ["Addition value:  55", "Subtraction Value:  -5"]
TASKS = [f"Task {task} {what} after N seconds" for what in ("starts", "ends") for task in (1, 2)]
TOOK = "Time taken: N seconds"
ROWS = """\
Employees:
  1 Amara Nwosu, engineer
  2 Bruno Keller, designer
  3 Chiara Rinaldi, engineer
  4 Dmitri Volkov, accountant
  5 Elif Aydin, manager
Active projects:
  1 Web shop, Chiara Rinaldi
  3 Warehouse robots, Amara Nwosu
  5 New logo, Bruno Keller
""".splitlines()
# N: what the clock says.
PRINTS = {
    "add_sub_sequential": ADD_SUB,
    "add_sub_processes": ADD_SUB,
    "add_sub_threads": [
        *("Inside add function", "", "Waiting for 20 seconds in add", "", "Inside sub function", ""),
        *("Subtraction Value -5:", "Waiting for 10 seconds in sub", "", "Addition value: 55", "Complete"),
    ],
    "count_sequential": [TOOK],
    "count_threads": [TOOK],
    "count_processes": [TOOK],
    "count_subinterpreters": [TOOK],
    "count_native": ["Time taken with the GIL held: N seconds", "Time taken with the GIL released: N seconds"],
    "employees_projects": [
        *ROWS,
        *(f"Time taken {way}: N seconds" for way in ("one after the other", "in two threads", "with asyncio")),
    ],
    "tasks_threads": [*TASKS, TOOK],
    "tasks_processes": [*TASKS, TOOK],
    "tasks_asyncio": [*TASKS, TOOK],
    "interleave_asyncio": [f"Task {task} - Iteration {iteration}" for iteration in range(5) for task in (1, 2)],
}
# Who of two is first is the machine's to say.
IN_ANY_ORDER = {"add_sub_processes", "add_sub_threads", "tasks_threads", "tasks_processes", "tasks_asyncio"}
CLOCK = re.compile(r"(\S+) seconds$", re.MULTILINE)


def script_of(program: str) -> str:
    return str(ARTICLE / f"{program}.py")


def require_lines(program: str, output: Iterable[str], version: str, *, has_gil: bool, within_s: float) -> None:
    """The lines are the program's under this version of Python, and no time in them is longer than all of it took."""
    expected, text = list(PRINTS[program]), "\n".join(output)
    if program == "count_subinterpreters" and version.startswith("3.11."):
        expected.append(f"The sub-interpreters of Python {version} share one GIL.")
    if program == "count_native" and not has_gil:
        expected.append("This Python runs without a GIL: there was nothing to hold or to release.")
    assert all(0 <= float(seconds) <= within_s for seconds in CLOCK.findall(text))
    found = CLOCK.sub("N seconds", text).split("\n")
    arrange = sorted if program in IN_ANY_ORDER else list
    assert arrange(found) == arrange(expected)


def start(command: list[str], **options: Any) -> subprocess.Popen[str]:
    """Starts it in a session of its own, with pipes."""
    return subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        **options,
    )


def read_until(process: subprocess.Popen[str], beginning: str, times: int = 1) -> None:
    """Until it has said so many lines that begin like this."""
    assert process.stdout is not None
    for line in process.stdout:
        times -= line.startswith(beginning)
        if not times:
            return
    raise AssertionError(f"it ended before {beginning!r}: {process.communicate(timeout=PATIENCE_S)[1]}")


def exchange_of(way: str, meanwhile: str = "seconds = 1e9") -> str:
    """The code of an exchange.py that has this way only, and does something before the second size: it never ends."""
    return f"""
import sys
sys.path[0] = {str(ARTICLE)!r}
import exchange, exchange_ways

def measure(end, size, seconds):
    if size > 1:
        {meanwhile}
    return measured(end, size, seconds)

measured, exchange.measure = exchange.measure, measure
exchange_ways.WAYS = [way for way in exchange_ways.WAYS if way.name == {way!r}]
sys.argv[1:1] = ["--seconds", "0", "--sizes", "1", "64KiB"]
sys.exit(exchange.main())
"""


def write_process_count(folder: Path, method: str) -> str:
    """A process_count.py of this method only, whose workers say that they are there, and never that they are ready."""
    script = folder / "staying.py"  # spawn imports it
    script.write_text(f"""
import sys
sys.path[0] = {str(ARTICLE)!r}
import process_count, process_count_program

def stay(here, there):
    here.close()
    sys.stdout.write("staying\\n")  # at once, unlike print() of an unbuffered Python
    sys.stdout.flush()
    there.recv()

process_count_program.stay = stay
process_count.METHODS = [{method!r}]
if __name__ == "__main__":
    sys.exit(process_count.main())
""")
    return str(script)


# The code of a flavours.py of a machine with nothing else to do: its control takes most of a second of CPU time. It
# kills a child that heeds no request to end at once.
QUIET_FLAVOURS = f"""
import sys
sys.path[0], sys.argv[0] = {str(ARTICLE)!r}, "flavours.py"
import flavours, flavours_child
flavours.control = lambda: 0.5
flavours_child.GRACE_S = 0.01
sys.argv[1:1] = ["--seconds=0.01", "--repeats=1"]
sys.exit(flavours.main())
"""
