"""What a fix gains, beside what was said before: a table for docs/how-to/threads.md. `gains.py [NAME…]`.

Each program of fixed/ is that of programs/ with what was advised. Both run in turns, on a machine that does nothing
else, with the binary (GILSCOPE_HOST); figures are medians.
"""

import json
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

CORPUS = Path(__file__).resolve().parent
ROUNDS = 5


def run(host: str, program: Path, folder: Path) -> dict[str, Any]:
    """What was recorded of one run."""
    command = [host, "run", "-q", "--force", "--json", "gil.json", str(program)]
    subprocess.run(command, cwd=folder, check=False, capture_output=True)
    document: dict[str, Any] = json.loads((folder / "gil.json").read_text())
    return document


def waited_ms(document: dict[str, Any]) -> float:
    """By all threads for all GILs."""
    return float(sum(gil["wait_ns"] for process in document["processes"] for gil in process["gils"])) / 1e6


def stood_still_ms(document: dict[str, Any]) -> float:
    """Event loops, by what they ran themselves."""
    return float(sum(step["total_ns"] for process in document["processes"] for step in process["loop_steps"])) / 1e6


def waited_for_turns_ms(document: dict[str, Any]) -> float:
    """By all threads, at Python's locks."""
    rows = [row for process in document["processes"] for row in process["lock_waits"]]
    return float(sum(row["total_ns"] for row in rows if row["waits_for"] == "turn")) / 1e6


def stopped_ms(document: dict[str, Any]) -> float:
    """By all threads, in a stopped world."""
    return float(sum(stop["lost_ns"] for process in document["processes"] for stop in process["stops"])) / 1e6


# What a fix may take away, by the head of its columns.
FIGURES = {
    "waited": waited_ms,
    "waited for turns": waited_for_turns_ms,
    "lost in a stopped world": stopped_ms,
    "loops stood still": stood_still_ms,
    "took": lambda document: document["wall_ns"] / 1e6,
}


def median(documents: list[dict[str, Any]], figure: Any) -> float:
    """Of a figure of each."""
    return float(statistics.median(figure(document) for document in documents))


def compare(host: str, name: str, folder: Path) -> str:
    """One row of the table."""
    before, after = [], []
    for _ in range(ROUNDS):
        before.append(run(host, CORPUS / "programs" / f"{name}.py", folder))
        after.append(run(host, CORPUS / "fixed" / f"{name}.py", folder))
    kinds = [finding["kind"] for finding in before[-1]["findings"]]
    gains = [f["gain_ns"] / 1e6 for document in before for f in document["findings"] if f["gain_ns"] is not None]
    promised = f"{statistics.median(gains):.0f} ms" if gains else "-"
    times = [median(runs, figure) for figure in FIGURES.values() for runs in (before, after)]
    measured = " | ".join(f"{time:.0f} ms" for time in times)
    return f"| {name} | {', '.join(kinds)} | {measured} | {promised} | {times[-2] - times[-1]:.0f} ms |"


def main() -> None:
    """A row for each."""
    host = str(Path(os.environ["GILSCOPE_HOST"]).resolve())
    heads = ["program", "said", *(f"{column} | fixed" for column in FIGURES), "promised", "gained"]
    print(f"| {' | '.join(heads)} |")
    print("| --- " * (len(heads) + len(FIGURES)) + "|")
    with tempfile.TemporaryDirectory() as folder:
        for name in sys.argv[1:] or sorted(program.stem for program in (CORPUS / "fixed").glob("*.py")):
            print(compare(host, name, Path(folder)), flush=True)


if __name__ == "__main__":
    main()
