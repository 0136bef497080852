"""How far reports are from waits for a lock that are known, and what a lock that nobody waits for costs more.

The program's own clock bounds the truth from both sides: a wait began after one reading, and ended between the release
and the waiting thread's next reading, which it makes some ten microseconds after it was woken. Without tracing and with
it take turns. The goals are the project's; the exit code is 0 either way.
"""

import argparse
import json
import tempfile
from pathlib import Path
from typing import Any

from figures import Row, add_json_option, report, row
from host import HOST, run

PROGRAM = Path(__file__).parent / "known" / "lock_waits.py"
RECORDERS = {"counters": [], "events": ["-o", "capture"]}


def miss(rows: list[dict[str, Any]], known: dict[str, Any], waits: int) -> dict[str, float]:
    """How far the waits of a report are from what is known."""
    own = [row for row in rows if (row["place"] or {}).get("function") == known["began_in"] and row["within"] is None]
    own = [row for row in own if row["lock"] or row["max_ender"]]  # else for a lock of CPython's, that nobody slept for
    ended = [row for row in own if (row["ended_at"] or {}).get("function") == known["ended_in"]]
    total = sum(row["total_ns"] for row in own)
    return {
        "sum": 100 * max(0, known["least_ns"] - total, total - known["most_ns"]) / known["most_ns"],
        "count": abs(sum(row["count"] for row in own) - waits),
        "ender": waits - sum(row["count"] for row in ended),
    }


def measure_once(options: list[str], numbers: list[int], folder: Path) -> dict[str, float]:
    file = folder / "summary.json"
    words = [str(folder / word) if word == "capture" else word for word in options]
    program = [str(PROGRAM), *map(str, numbers)]
    bare = json.loads(run([HOST, "run", "--no-probe", *program]))
    known = json.loads(run([HOST, "run", "-q", "--force", "--json", str(file), *words, *program]))
    process = json.loads(file.read_text(encoding="utf-8"))["processes"][0]
    return {**miss(process["lock_waits"], known, numbers[0]), "pair": known["pair_ns"] - bare["pair_ns"]}


def measure(repeats: int, numbers: list[int]) -> list[Row]:
    misses: dict[str, list[dict[str, float]]] = {recorder: [] for recorder in RECORDERS}
    with tempfile.TemporaryDirectory() as folder:
        for _ in range(repeats):
            for recorder, options in RECORDERS.items():
                misses[recorder].append(measure_once(options, numbers, Path(folder)))
    rows = []
    for recorder, of in misses.items():
        rows.append(row(f"{recorder}: sum of waits, out of bounds", [each["sum"] for each in of], "%", "<= 0.10"))
        rows.append(row(f"{recorder}: waits too many or few", [each["count"] for each in of], "", "0"))
        rows.append(row(f"{recorder}: waits whose end is not known", [each["ender"] for each in of], "", "0"))
        rows.append(row(f"{recorder}: a pair nobody waits for, more", [each["pair"] for each in of], "ns", "<= 25"))
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=5, help="repeats of each figure (default: %(default)s)")
    parser.add_argument("--waits", type=int, default=1000, help="in each (default: %(default)s)")
    parser.add_argument("--milliseconds", type=int, default=5, help="that each takes (default: %(default)s)")
    parser.add_argument("--pairs", type=int, default=1_000_000, help="(default: %(default)s)")
    add_json_option(parser)
    options = parser.parse_args()
    rows = measure(options.repeats, [options.waits, options.milliseconds, options.pairs])
    report(rows, run([HOST, "--version"]), options.json)


if __name__ == "__main__":
    main()
