"""pytest under `gilscope run`: it passes where warnings are errors, and tests are measured within the run's recording.

Only here a probe runs within another one of a host's binary, which is another copy of it.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from tests.integration.hosts import only_binary

if TYPE_CHECKING:
    from pathlib import Path

TESTS = """
import gilscope, pytest

MS = 1_000_000

@pytest.mark.max_gil_hold("1000s")
def test_released():
    gilscope.release(MS)

@pytest.mark.max_gil_hold("5ms")
def test_held():
    gilscope.hold(30 * MS)

def test_fixture(gil):
    with gil:
        gilscope.hold(10 * MS)
    assert gil.longest_hold_ns >= 9 * MS

@pytest.mark.max_gil_hold("1000s")
def test_traces_itself():
    with gilscope.trace() as outer, gilscope.trace() as inner:
        gilscope.release(MS)
    assert 0 < inner.summary.processes[0].gils[0].holds <= outer.summary.processes[0].gils[0].holds
"""


@pytest.fixture
def suite(tmp_path: Path) -> Path:
    """Tests that measure, one of which fails; any warning is an error."""
    (tmp_path / "test_measured.py").write_text(TESTS)
    (tmp_path / "pytest.ini").write_text("[pytest]\nfilterwarnings = error\n")
    return tmp_path


@only_binary
@pytest.mark.parametrize("recorder", ["counters", "events"])
def test_tests_are_measured_within_the_runs_own_recording(suite, host, recorder, run, environment, free_threaded):
    if free_threaded:
        pytest.skip("its tests are skipped: there is no GIL")
    saved = suite / "out.json"
    keep = ["-o", str(suite / "capture")] if recorder == "events" else []
    pytest_run = ["-m", "pytest", "-p", "no:cacheprovider", "--gil-report"]
    done = run([host, "run", *keep, "--json", str(saved), *pytest_run], cwd=suite, env=environment)
    assert done.returncode == 1, done.stdout + done.stderr
    assert "1 failed, 3 passed" in done.stdout
    assert "warning" not in (done.stdout + done.stderr).lower()
    assert "and at most 5.00 ms is asked for" in done.stdout
    table = done.stdout.partition("the GIL: the 10 tests that held it longest")[2]
    assert "test_measured.py::test_held" in table
    document = json.loads(saved.read_text())
    (process,) = document["processes"]
    assert process["gils"][0]["hold_ns"] >= 39_000_000
    assert (document["probe"]["dropped"], document["probe"]["overwritten"]) == (0, False)
