"""The figures of a benchmark: medians over repeats of one run, as a table and as JSON."""

import argparse
import json
import statistics
import sys
from pathlib import Path
from typing import TypedDict


class Row(TypedDict):
    """One figure: its median over the repeats, with the least and the greatest, in the unit; and the goal."""

    name: str
    median: float
    low: float
    high: float
    unit: str
    goal: str


def row(name: str, samples: list[float], unit: str, goal: str = "") -> Row:
    return Row(
        name=name,
        median=statistics.median(samples),
        low=min(samples),
        high=max(samples),
        unit=unit,
        goal=goal,
    )


def print_table(rows: list[Row]) -> None:
    print(f"{'':40} {'median':>9} {'low':>9} {'high':>9}       goal")
    for r in rows:
        figures = f"{r['median']:9.2f} {r['low']:9.2f} {r['high']:9.2f}"
        print(f"{r['name']:40} {figures} {r['unit']:2}    {r['goal']}".rstrip())


def add_json_option(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there too")


def report(rows: list[Row], gilscope: str, file: Path | None) -> None:
    """Print what was measured, and with what; write it to the file, too, if there is one."""
    print(f"Python {sys.version.split()[0]}, {gilscope}")
    print_table(rows)
    write_json(file, rows)


def write_json(file: Path | None, rows: list[Row]) -> None:
    if file is not None:
        file.write_text(json.dumps({"python": sys.version, "figures": rows}, indent=2) + "\n")
