"""How far reports of a Python without a GIL are from what is known: objects that threads share, and stopped worlds.

Of the waiting for a turn, what share has the type of the object and the function that used it; and how far the time in
which a thread stood is from what it missed itself, as it read the clock all the while. The goals are the project's; the
exit code is 0 either way. Run it on a machine that does nothing else: who has no CPU misses time, too.
"""

import argparse
import json
import tempfile
from pathlib import Path
from typing import Any

from figures import Row, add_json_option, report, row
from host import HOST, has_gil, run

KNOWN = Path(__file__).parent / "known"


def record(folder: Path, program: str, *arguments: object) -> tuple[dict[str, Any], str]:
    """The program's process in the report, and what it printed."""
    file = folder / "summary.json"
    command = [HOST, "run", "-q", "--force", "--json", str(file), str(KNOWN / program), *map(str, arguments)]
    printed = run(command)
    process: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))["processes"][0]
    return process, printed


def known_share(process: dict[str, Any], what: str, function: str) -> float:
    """Of all waiting for a turn, in %, what is said to be for that type in that function."""
    turns = [row for row in process["lock_waits"] if row["waits_for"] == "turn"]
    right = [row for row in turns if row["lock"] == {"kind": "object", "type": what}]
    right = [row for row in right if (row["place"] or {}).get("function") == function]
    told, waited = (sum(int(row["total_ns"]) for row in rows) for rows in (right, turns))
    return 100 * told / waited


def stop_error(process: dict[str, Any], printed: str) -> float:
    """Of the time that the observer stood, in % of what it missed."""
    missed = int(json.loads(printed)["missed_ns"])
    (observer,) = [thread for thread in process["other_threads"] if thread["name"] == "observer"]
    return 100 * abs(int(observer["states"]["stopped"]) - missed) / missed


def measure(repeats: int, seconds: float, collections: int, objects: int) -> list[Row]:
    rows = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for what in ("dict", "list", "Counter"):
            for threads in (2, 4):
                runs = [record(folder, "shared_objects.py", what, threads, seconds) for _ in range(repeats)]
                shares = [known_share(process, what, function) for process, function in runs]
                rows.append(row(f"{what}, {threads} threads: type and line known", shares, "%", ">= 95"))
        stops = [record(folder, "stopped_world.py", collections, objects) for _ in range(repeats)]
        rows.append(row("stopped world, from what is missed", [stop_error(*stop) for stop in stops], "%", "<= 5"))
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=5, help="repeats of each figure (default: %(default)s)")
    parser.add_argument("--seconds", type=float, default=0.5, help="of each run with objects (default: %(default)s)")
    parser.add_argument("--collections", type=int, default=10, help="(default: %(default)s)")
    parser.add_argument("--objects", type=int, default=500_000, help="that are looked through (default: %(default)s)")
    add_json_option(parser)
    options = parser.parse_args()
    if has_gil():
        print("this Python has a GIL: nothing is measured")
        return
    rows = measure(options.repeats, options.seconds, options.collections, options.objects)
    report(rows, run([HOST, "--version"]), options.json)


if __name__ == "__main__":
    main()
