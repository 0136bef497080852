"""What a run's report finds beyond its verdict: programs that show it, and such that nearly do.

A thread that loses its CPU while it has the GIL is found too, and rightly. So where something must not be found, a run
is tried again that shows it, and says nothing of the program if its threads lacked CPU time.
"""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.alone

RUNS = 6
LACKED_NS = 20_000_000  # of CPU time, by a thread while it had the GIL: most of what is found begins at 10 to 50 ms
PROGRAMS = Path(__file__).parents[1] / "programs" / "blame"


Findings = dict[str, dict[str, Any]]


@pytest.fixture
def find(run, host, tmp_path, free_threaded):
    """Runs a program, again where its findings are not as wanted; the first of each kind, and the threads' names."""
    if free_threaded:
        pytest.skip("free-threaded: there is no GIL, or its stacks are not read")

    def run_once(program: str) -> dict[str, Any]:
        file = tmp_path / "run.json"
        ran = run([host, "run", "--force", "--json", str(file), str(PROGRAMS / program)])
        assert ran.returncode == 0, ran.stderr
        document: dict[str, Any] = json.loads(file.read_text())
        said = " ".join(ran.stderr.split())
        for finding in document["findings"]:
            assert f"-> {finding['text']}" in said
        return document

    def find(program: str, wanted: Callable[[Findings], object] = lambda _: True) -> tuple[Findings, dict[int, str]]:
        unwanted = []
        for _ in range(RUNS):
            document = run_once(program)
            threads = document["processes"][0]["threads"]
            findings = {row["kind"]: row for row in reversed(document["findings"])}
            if wanted(findings):
                return findings, {row["id"]: row["name"] for row in threads}
            unwanted.append((lacked_ns(threads), [finding["text"] for finding in document["findings"]]))
        if all(lacked > LACKED_NS for lacked, _ in unwanted):
            pytest.skip(
                f"this machine had no CPU for the threads in {RUNS} runs: {[lacked for lacked, _ in unwanted]} ns"
            )
        pytest.fail(f"{program}: not as wanted in {RUNS} runs: {json.dumps(unwanted, indent=2)}")

    return find


def lacked_ns(threads: list[dict[str, Any]]) -> int:
    """The most that a thread held a GIL without a CPU."""
    return max(int(row["hold_ns"] - row["cpu_ns"]) for row in threads if row["cpu_ns"] is not None)


def culprit_of(program: str) -> set[str]:
    lines = (PROGRAMS / program).read_text().splitlines()
    return {f"{program}:{number} " for number, line in enumerate(lines, 1) if line.endswith("# culprit")}


@pytest.mark.parametrize(
    ("program", "kind", "culprit", "victim"),
    [
        ("kept_by_c.py", "kept_by_c", "MainThread", "reader"),
        ("long_regex.py", "kept_by_c", "MainThread", "server"),
        ("loop_beside_io.py", "convoy", "computer", "MainThread"),
        ("regex_beside_asyncio.py", "kept_by_c", "matcher", "MainThread"),
        ("regex_beside_asyncio.py", "stalled_loop", "matcher", "MainThread"),
        ("busy_handler.py", "stalled_loop", "MainThread", "MainThread"),
    ],
)
def test_a_finding_names_culprit_victim_and_line(find, program, kind, culprit, victim):
    findings, names = find(program)
    found = findings[kind]
    assert names[found["culprit"]] == culprit
    assert names[found["victim"]] == victim
    assert any(line in found["text"] for line in culprit_of(program)), found["text"]
    assert found["lost_ns"] > 0
    assert found["longest_ns"] > 0
    assert found["count"] > 0


@pytest.mark.parametrize(
    ("program", "kind"),
    [
        ("taking_turns.py", "no_bottleneck"),
        ("alone.py", "little_to_gain"),
        ("asleep.py", "io_bound"),
        ("hash_without_gil.py", "released_by_c"),
        ("hash_with_gil.py", "computing_threads"),
        ("woken_at_once.py", "frequent_releases"),
    ],
)
def test_one_thing_is_said_of_a_whole_run(find, program, kind):
    findings, _ = find(program, lambda findings: findings.keys() == {kind})
    found = findings[kind]
    assert found["pid"] is found["gil"] is None
    assert found["at_most"] == pytest.approx(max(1.0, 1 / found["hold_share"]))


def test_a_shorter_switch_interval_is_weighed(find):
    findings, _ = find("loop_beside_io.py")
    found = findings["switch_interval"]
    assert 0 < found["gain_ns"] < found["lost_ns"] == findings["convoy"]["lost_ns"]
    assert found["cost_ns"] >= 0


@pytest.mark.parametrize(
    ("program", "kinds"),
    [
        ("released_by_c.py", {"kept_by_c"}),  # the call takes as long, without the GIL
        # Python code, which gives it up when it is asked to
        ("loop_beside_io.py", {"kept_by_c", "computing_threads"}),
        ("woken_at_once.py", {"convoy", "switch_interval"}),  # nobody keeps it for a switch interval
        ("regex_beside_asyncio.py", {"convoy"}),  # a few long waits
        ("loop_beside_asyncio.py", {"stalled_loop"}),  # many short ones
        ("brief_handler.py", {"stalled_loop", "kept_by_c"}),  # the loop has its turn again and again
    ],
)
def test_what_nearly_is_a_finding_is_none(find, program, kinds):
    find(program, lambda findings: not kinds & findings.keys())
