"""tests/bench/bench_without_gil.py: how far a report is from what is known, and the programs that know it."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest


@pytest.fixture
def bench(import_benchmark):
    return import_benchmark("bench_without_gil")


def turn(total_ns: int, lock: dict[str, Any] | None, function: str | None = "use_dict") -> dict[str, Any]:
    place = function and {"function": function}
    return {"waits_for": "turn", "total_ns": total_ns, "lock": lock, "place": place}


def test_the_share_that_is_known_is_of_all_waits_for_a_turn(bench):
    shared = {"kind": "object", "type": "dict"}
    rows = [turn(600, shared), turn(200, None), turn(100, {**shared, "type": "list"}), turn(100, shared, None)]
    rows.append({**turn(5_000, shared), "waits_for": "work"})
    assert bench.known_share({"lock_waits": rows}, "dict", "use_dict") == pytest.approx(60)


def test_the_error_of_a_stop_is_a_share_of_what_was_missed(bench):
    threads = [{"name": name, "states": {"stopped": stopped}} for name, stopped in (("observer", 980), ("other", 1))]
    assert bench.stop_error({"other_threads": threads}, json.dumps({"missed_ns": 1000})) == pytest.approx(2)


@pytest.mark.parametrize(
    ("program", "arguments"),
    [("shared_objects.py", ["Counter", "2", "0.01"]), ("stopped_world.py", ["2", "1000"])],
)
def test_the_programs_say_what_they_know(bench, program, arguments):
    command = [sys.executable, str(Path(bench.__file__).parent / "known" / program), *arguments]
    ran = subprocess.run(command, capture_output=True, text=True, check=True)
    if program == "shared_objects.py":
        assert ran.stdout == "use_counter\n"
    else:
        assert json.loads(ran.stdout)["missed_ns"] >= 0
