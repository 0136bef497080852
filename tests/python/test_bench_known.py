"""tests/bench/bench_known.py: how far a report is from what is known, and the program that knows it."""

import json
import subprocess
import sys
from pathlib import Path

import pytest


@pytest.fixture
def bench(import_benchmark):
    return import_benchmark("bench_known")


def thread(holds: int, hold_ns: int) -> dict[str, int]:
    return {"holds": holds, "hold_ns": hold_ns}


def report(*, cycle_ns: int = 1_000_050, reads: int = 501) -> dict[str, dict[str, int]]:
    """Without a fault where nothing is said."""
    return {
        "nothing": thread(1, 50),
        "cycle": thread(11, cycle_ns),
        "reader": thread(reads, 3_000),
        "other_reader": thread(501, 4_000),
    }


def test_a_report_that_says_what_is_known_misses_nothing(bench):
    assert bench.miss(report(), 1_000_000, cycles=10, reads=500) == {"hold": 0, "releases": 0}


@pytest.mark.parametrize("cycle_ns", [990_050, 1_010_050])
def test_what_is_too_long_or_too_short_is_a_share_of_the_known_hold(bench, cycle_ns):
    assert bench.miss(report(cycle_ns=cycle_ns), 1_000_000, 10, 500)["hold"] == pytest.approx(1)


@pytest.mark.parametrize("reads", [499, 503])
def test_each_release_too_many_or_few_counts(bench, reads):
    assert bench.miss(report(reads=reads), 1_000_000, 10, 500)["releases"] == 2


def test_the_program_says_what_it_held_and_who_its_threads_are(bench):
    command = [sys.executable, str(Path(bench.__file__).parent / "known" / "holds.py"), "1", "10"]
    known = json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
    assert known["held_ns"] >= 30_000_000
    assert list(known) == ["held_ns", "threads"]
    assert set(known["threads"]) == {"nothing", "cycle", "reader", "other_reader"}
