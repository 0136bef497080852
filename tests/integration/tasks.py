"""The tasks of tests/programs, as the tests of `gilscope compare` name them."""

from pathlib import Path

PROGRAMS = Path(__file__).parents[1] / "programs"
TASKS = PROGRAMS / "tasks.py"


def task(function: str) -> str:
    """The task of tasks.py."""
    return f"{TASKS}:{function}"


def waiting_task(folder: Path, calls: int) -> tuple[str, Path]:
    """A task whose call of that number waits for ever, and the file that has a byte a call."""
    counter, file = folder / "counter", folder / "waiting.py"
    file.write_text(
        "import threading\n"
        "def f():\n"
        f"    with open({str(counter)!r}, 'a+') as file:\n"
        "        file.write('x')\n"
        "        file.flush()\n"
        "        file.seek(0)\n"
        f"        if len(file.read()) >= {calls}:\n"
        "            threading.Event().wait()\n"
    )
    return f"{file}:f", counter
