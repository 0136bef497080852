"""`gilscope report BEFORE AFTER`: what changed from one capture to another, of live captures.

What a change is called is tested on figures written by hand: tests/unit/analysis/run_change_test.cpp.
"""

import json
import shutil

import pytest
from jsonschema import Draft202012Validator
from tests.integration.waits import WAITED_NS, WAITS
from tests.schemas import read_schema

pytestmark = [pytest.mark.any_host, pytest.mark.usefixtures("only_with_a_gil")]


@pytest.fixture
def captures(run, host, script, tmp_path):
    """Of one program in which nobody waits, and of one in which a thread waits for long holds."""
    for name, code in (("before", "pass"), ("after", WAITS + "make_wait(['reader'])")):
        assert run([host, "run", "-q", "-o", str(tmp_path / name), script(code)]).returncode == 0
    return str(tmp_path / "before"), str(tmp_path / "after")


def test_the_figures_are_those_of_each_report(run, host, captures):
    both = run([host, "report", "--json", "-", *captures])
    assert both.returncode == 0, both.stderr
    change = json.loads(both.stdout)
    Draft202012Validator(read_schema("change.schema.json")).validate(change)
    for side, capture in zip(("before", "after"), captures, strict=True):
        alone = json.loads(run([host, "report", "--json", "-", capture]).stdout)
        process = alone["processes"][0]
        for figure in ("wall_ns", "cpu_ns"):
            assert change["total"][figure][side] == alone[figure]
        for figure in ("wait_ns", "waits", "hold_ns", "holds", "forced", "handoffs"):
            assert change["total"][figure][side] == process["gils"][0][figure]
        assert change["total"]["wait_share"][side] == alone["verdict"]["wait_share"]
        for thread in change["processes"][0]["threads"]:
            rows = [row for row in process["threads"] if row["name"] == thread["name"]]
            for figure in ("wait_ns", "holds"):
                assert (thread["figures"][figure][side] or 0) == sum(row[figure] for row in rows)
    reader = next(row for row in change["processes"][0]["threads"] if row["name"] == "reader")
    assert reader["figures"]["wait_ns"]["before"] is None
    assert reader["figures"]["wait_ns"]["after"] >= 0.99 * WAITED_NS  # the clocks are two


def test_more_waiting_is_exit_code_1_where_that_is_asked(run, host, captures):
    before, after = captures
    worse = run([host, "report", "--fail-if-worse", "10%", before, after])
    assert (worse.returncode, worse.stderr) == (1, "")
    assert "WORSE: the waiting grew by more than 10 %." in worse.stdout
    assert run([host, "report", before, after]).returncode == 0
    better = run([host, "report", "-q", "--fail-if-worse=10%", after, before])
    assert (better.returncode, better.stdout) == (0, "Not worse: the waiting did not grow by more than 10 %.\n")
    same = run([host, "report", "-q", "--fail-if-worse", "0%", after, after])
    assert same.returncode == 0


def test_a_capture_that_is_not_whole_is_judged_by_nobody(run, host, captures, script, tmp_path):
    before, _ = captures
    reads = "import os\nzero = os.open('/dev/zero', os.O_RDONLY)\nfor _ in range(60_000): os.read(zero, 1)"
    cut = str(tmp_path / "cut")
    assert run([host, "run", "-q", "--max-size", "64K", "-o", cut, script(reads)]).returncode == 0
    judged = run([host, "report", "--fail-if-worse", "10%", before, cut])
    assert judged.returncode == 125
    assert "The second capture is not whole" in judged.stdout
    assert f"{cut} is not whole: whether the waiting got worse cannot be told" in judged.stderr
    assert run([host, "report", before, cut]).returncode == 0


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--fail-if-worse", "10", "b", "a"], "'10' is no percentage"),
        (["--fail-if-worse=-5%", "b", "a"], "'-5%' is no percentage"),
        (["--fail-if-worse", "nan%", "b", "a"], "'nan%' is no percentage"),
        (["--fail-if-worse", "1e400%", "b", "a"], "'1e400%' is no percentage"),
        (["--fail-if-worse", "", "b", "a"], "the percentage is empty"),
        (["--fail-if-worse", "10%", "b"], "compares two captures, and one is given"),
        (["--check", "b", "a"], "--check is of one capture, and two are given"),
        (["--trace", "t", "b", "a"], "--trace is of one capture, and two are given"),
        (["--html", "p", "--sources", "b", "a"], "--html is of one capture, and two are given"),
        (["--sources", "b", "a"], "--sources is of one capture, and two are given"),
        (["b", "a", "c"], "not expected: c"),
    ],
)
def test_usage_errors_name_what_is_wrong(run, host, tmp_path, arguments, said):
    asked = run([host, "report", *arguments], cwd=tmp_path)
    assert asked.returncode == 2
    assert said in asked.stderr
    assert list(tmp_path.iterdir()) == []


def test_a_second_capture_that_is_none_is_named(run, host, captures, tmp_path):
    before, after = captures
    shutil.rmtree(after)
    asked = run([host, "report", before, after])
    assert asked.returncode == 125
    assert after in asked.stderr
