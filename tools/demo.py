"""The main job: the article's counting program in every mode, and a C++ loop that holds or releases the GIL.

Run by demo.sh, with the virtual environment's Python; GILSCOPE_HOST is the host that was built.
"""

import json
import os
import subprocess
import sys
import tempfile
import textwrap
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
ARTICLE = Path("python", "article")
NOTICEABLE = 1.05  # less is no gain: host/analysis/comparison.h


def compare(title: str, tasks: list[str], *options: str) -> dict[str, dict[str, Any]]:
    """Shows a comparison, and returns its rows by mode. Ends the demo with the exit code of one that failed."""
    print(f"\n--- {title}\n", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        result = Path(folder) / "result.json"
        command = [os.environ["GILSCOPE_HOST"], "compare", "--json", str(result), *tasks, *options]
        # The host takes on the environment that has the extension.
        environment = {**os.environ, "VIRTUAL_ENV": sys.prefix}
        code = subprocess.run(command, cwd=ROOT, env=environment, check=False).returncode
        if code != 0:
            sys.exit(code)
        rows = json.loads(result.read_text(encoding="utf-8"))["modes"]
    return {row["mode"]: row for row in rows}


def speedup(row: dict[str, Any]) -> float:
    """The mode's median speed-up over sequential."""
    value: float = row["speedup"]["median"]
    return value


def describe_bytecode(rows: dict[str, dict[str, Any]]) -> str:
    """What the five modes made of the counting functions, in one sentence."""
    threads = rows["threads"]
    running = f"{threads['parallelism']:.2f} running at a time"
    if speedup(threads) >= NOTICEABLE:
        first = f"Two threads of bytecode gained {speedup(threads):.2f} × ({running})"
    else:
        first = f"Two threads of bytecode gained nothing, {speedup(threads):.2f} × ({running})"
    others = [mode for mode in ("subinterpreters", "processes") if rows[mode]["gil"] != threads["gil"]]
    if not others:
        return f"{first}, as no mode here has a GIL of its own."
    if gil := threads["gil_figures"]:
        held, waited = f"{gil['hold_share']:.0%}", f"{gil['wait_share']:.0%}"
        first += f"; their GIL was held {held} of the time, and they waited for it {waited}"
    reached = " and ".join(f"{mode} {speedup(rows[mode]):.2f} ×" for mode in others)
    return f"{first}. They share one, while {reached} had one for each worker."


def describe_native(held: dict[str, Any], released: dict[str, Any]) -> str:
    """What holding and releasing the GIL made of the C++ loop, in one sentence."""
    factors = f"{speedup(held):.2f} × with the GIL held, {speedup(released):.2f} × with the GIL released"
    sentence = f"The same sum in C++ in two threads reached {factors}"
    if released["gil"] == "none":
        return f"{sentence}: this Python has no GIL in their way."
    # On a busy machine either figure may be off.
    if speedup(released) >= max(NOTICEABLE, speedup(held)):
        return f"{sentence}: threads pay where code gives the GIL up."
    return f"{sentence}: the machine had no second core to give."


def main() -> None:
    """Three comparisons, then what they showed."""
    counting = [f"{ARTICLE / 'count_sequential.py'}:{name}" for name in ("count_up", "count_down")]
    native = str(ARTICLE / "count_native.py")
    rows = compare("the article's counting program, in every mode", counting, "--", "--iterations", "8000000")
    held, released = (
        compare(
            f"the extension's C++ loop in two threads, GIL {word}",
            [f"{native}:count_{word}"],
            *("--modes", "sequential,threads", "--", "--iterations", "800000000"),
        )["threads"]
        for word in ("held", "released")
    )
    print("\n--- what was seen\n")
    for sentence in (describe_bytecode(rows), describe_native(held, released)):
        print(textwrap.fill(sentence, 100))


if __name__ == "__main__":
    main()
