"""Whether a flight recorder has what it was waiting for, what memory it takes, and what it costs.

Threads that give the GIL up some ten thousand times a second, and one hold of 200 ms at a random time; and two threads
that hash 4 KiB with a ring, counted, and alone, in turns.
"""

import argparse
import json
import random
import subprocess
import tempfile
import time
from pathlib import Path

from figures import Row, add_json_option, report, row
from host import HOST, require_gil, run

PERTURBED = Path(__file__).parent / "perturbed"
LENGTH_MS = 200


def ring_size(pid: int) -> int | None:
    """Return the bytes that the rings of a run take on their disk; None before they are there, and after."""
    try:
        maps = Path(f"/proc/{pid}/maps").read_text()
        (folder,) = {line.split(maxsplit=5)[5].rpartition("/")[0] for line in maps.splitlines() if ".events" in line}
        return sum(file.stat().st_blocks * 512 for file in Path(folder).iterdir())
    except (OSError, ValueError):
        return None


def has_hold(folder: Path) -> bool:
    """Whether the hold is in a dump, with its line."""
    for dump in folder.iterdir():
        document = json.loads(run([HOST, "report", "--json", "-", str(dump)]))
        for line in document["processes"][0]["blame"] or []:
            is_there = line["to"] is not None and line["to"]["function"] == "keep_once"
            if is_there and line["max_hold_ns"] >= LENGTH_MS * 1e6:
                return True
    return False


def record(seconds: float) -> tuple[bool, list[int]]:
    """Return whether the hold was found, and the sizes of the ring while the program ran."""
    sizes = []
    with tempfile.TemporaryDirectory() as folder:
        dumps = Path(folder, "dumps")
        keeps = ["--keep", "2s", "--max-size", "1M", "--when", "hold>150ms", "--dump", str(dumps)]
        when = random.uniform(0.5, seconds - 0.5)
        arguments = [str(PERTURBED / "one_long_hold.py"), str(seconds), str(when), str(LENGTH_MS)]
        program = subprocess.Popen([HOST, "run", "-q", *keeps, *arguments])
        while program.poll() is None:
            size = ring_size(program.pid)
            if size is not None:
                sizes.append(size)
            time.sleep(0.1)
        return dumps.exists() and has_hold(dumps), sizes


def rate(options: list[str], seconds: float) -> float:
    """Return what the program did in a second."""
    program = [HOST, "run", "-q", *options, str(PERTURBED / "hashing.py"), str(seconds), "2", "4096"]
    return float(run(program).split()[-1])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=7, help="rounds (default: %(default)s)")
    parser.add_argument("--seconds", type=float, default=5, help="of each run (default: %(default)s)")
    add_json_option(parser)
    options = parser.parse_args()
    require_gil()
    found: list[float] = []
    growth: list[float] = []
    kept: dict[str, list[float]] = {"kept, with a trigger": [], "counted": [], "every event": []}
    for _ in range(options.repeats):
        is_found, sizes = record(options.seconds)
        found.append(float(is_found))
        later = sizes[len(sizes) // 2 :]
        growth.append((max(later) - min(later)) / 2**20 if later else 0.0)
        alone = rate(["--no-probe"], options.seconds)
        with tempfile.TemporaryDirectory() as folder:
            ways: tuple[list[str], ...] = (
                ["--keep", "30s", "--when", "hold>50ms", "--dump", f"{folder}/dumps"],
                [],
                ["-o", f"{folder}/all"],
            )
            for name, way in zip(kept, ways, strict=True):
                kept[name].append(rate(way, options.seconds) / alone)
    rows: list[Row] = [
        row("the hold is in a dump, with its line", found, "", "1"),
        row("rings grew in the second half", growth, "MiB", "<= 1"),
    ]
    rows += [
        row(f"rate kept: {name}", ratios, "", "as counted, 0.01" if "trigger" in name else "")
        for name, ratios in kept.items()
    ]
    report(rows, run([HOST, "--version"]), options.json)


if __name__ == "__main__":
    main()
