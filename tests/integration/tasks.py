"""The tasks of tests/programs, comparisons of them, and the one signal that ends what waits for ever."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from tests.schemas import validator_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tests.integration.conftest import Runner

PROGRAMS = Path(__file__).parents[1] / "programs"
TASKS = PROGRAMS / "tasks.py"
MODES = ["sequential", "threads", "subinterpreters", "processes", "asyncio"]


def task(function: str) -> str:
    """The task of tasks.py."""
    return f"{TASKS}:{function}"


class Compared(NamedTuple):
    """What one comparison said, in every way that it has."""

    code: int
    document: dict[str, Any]
    text: str
    errors: str

    @property
    def rows(self) -> dict[str, Any]:
        """Of one Python, by the name of their mode."""
        return rows_of(self.document)

    @property
    def reasons(self) -> dict[str, str | None]:
        """Why a mode is not ok."""
        return {mode: row["reason"] for mode, row in self.rows.items()}


def rows_of(python: dict[str, Any]) -> dict[str, Any]:
    """The rows of one Python by the name of their mode."""
    return {row["mode"]: row for row in python["modes"]}


def compare_tasks(
    run: Runner, host: str, folder: Path, *arguments: object, rounds: int = 1, **options: Any
) -> Compared:
    """Runs `gilscope compare`, whose JSON fits its schema, for both of table and JSON."""
    file = folder / "comparison.json"
    file.unlink(missing_ok=True)
    command = [host, "compare", "--json", str(file), "--rounds", str(rounds), *map(str, arguments)]
    result = run(command, **options)
    assert file.exists(), result.stderr
    document = json.loads(file.read_text())
    validator_of(document["schema"].removeprefix("gilscope.").removesuffix("/1")).validate(document)
    return Compared(result.returncode, document, result.stdout, result.stderr)


def waiting_task(folder: Path, calls: int = 1) -> tuple[str, Path]:
    """A task whose calls from that one on wait for ever; the pipe to which they say so before."""
    counter, ready, file = folder / "counter", folder / "ready", folder / "waiting.py"
    os.mkfifo(ready)
    file.write_text(
        "import threading\n"
        "def f():\n"
        f"    with open({str(counter)!r}, 'a+') as file:\n"
        "        file.write('x')\n"
        "        file.flush()\n"
        "        file.seek(0)\n"
        f"        if len(file.read()) < {calls}:\n"
        "            return\n"
        f"    open({str(ready)!r}, 'w').close()\n"
        "    threading.Event().wait()\n"
    )
    return f"{file}:f", ready


def run_until(
    ready: Path, command: Sequence[object], environment: Mapping[str, str], number: int = signal.SIGINT
) -> subprocess.CompletedProcess[str]:
    """Runs the command, and sends it the signal once somebody opens the pipe."""
    process = subprocess.Popen(
        list(map(str, command)), env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    ready.read_bytes()
    process.send_signal(number)
    output, errors = process.communicate(timeout=60)
    return subprocess.CompletedProcess(process.args, process.returncode, output, errors)
