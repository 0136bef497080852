"""tests/bench/bench_lock_waits.py: how far a report is from known waits for a lock, and the program that knows them."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

KNOWN = {"least_ns": 980_000, "most_ns": 1_000_000, "began_in": "wait", "ended_in": "hold"}


@pytest.fixture
def bench(import_benchmark):
    return import_benchmark("bench_lock_waits")


def waits(count: int, total_ns: int, *, ended_in: str | None = "hold", within: str | None = None) -> dict[str, Any]:
    return {
        "place": {"function": "wait"},
        "within": within,
        "ended_at": ended_in and {"function": ended_in},
        "count": count,
        "total_ns": total_ns,
        "max_ender": ended_in and 4711,
        "lock": {"kind": "lock", "type": None},
    }


def test_a_report_that_says_what_is_known_misses_nothing(bench):
    rows = [waits(10, 1_000_000), waits(10, 5_000, within="Barrier.wait"), {**waits(1, 7), "place": None}]
    rows.append({**waits(2, 9_000, ended_in=None), "lock": None})
    assert bench.miss(rows, KNOWN, 10) == {"sum": 0, "count": 0, "ender": 0}


@pytest.mark.parametrize("total_ns", [970_000, 1_010_000])
def test_what_is_too_long_or_too_short_is_a_share_of_what_is_known(bench, total_ns):
    assert bench.miss([waits(10, total_ns)], KNOWN, 10)["sum"] == pytest.approx(1)


def test_each_wait_too_many_or_whose_end_is_another_or_not_known_counts(bench):
    rows = [waits(7, 700_000), waits(3, 200_000, ended_in="other"), waits(2, 100_000, ended_in=None)]
    assert bench.miss(rows, KNOWN, 10) == {"sum": 0, "count": 2, "ender": 3}


def test_the_program_says_what_it_waited_and_where(bench):
    command = [sys.executable, str(Path(bench.__file__).parent / "known" / "lock_waits.py"), "3", "5", "10"]
    known = json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
    assert {name: known[name] for name in ("began_in", "ended_in")} == {"began_in": "wait", "ended_in": "hold"}
    assert 0 < known["least_ns"] <= known["most_ns"]
    assert known["pair_ns"] > 0
