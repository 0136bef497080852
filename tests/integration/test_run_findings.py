"""What a report finds beyond its verdict, and whom it blames first: recorded runs of programs made to show it.

The rules alone are tested in tests/unit/analysis. Only here real programs meet them: each of tests/programs/blame shows
what it was written for, or nearly does and shows it not; its culprit, victim and line are named, in JSON and text. The
runs were recorded once (tests/captures/record.py): whom a scheduler keeps waiting today changes nothing.
"""

import json
import zipfile
from pathlib import Path

import pytest

TESTS = Path(__file__).parents[1]
# The verdict of each program, and all that is found.
FOUND = {
    "alone": ("one_thread", ["little_to_gain"]),
    "asleep": ("one_thread", ["io_bound"]),
    "brief_handler": ("bottleneck", ["frequent_releases"]),  # its loop has its turn again and again
    "busy_handler": ("bottleneck", ["stalled_loop"]),
    "hash_with_gil": ("bottleneck", ["computing_threads"]),
    "hash_without_gil": ("no_bottleneck", ["released_by_c"]),
    "kept_by_c": ("bottleneck", ["kept_by_c"]),  # and no convoy: it ends with the call
    "large_json": ("bottleneck", ["convoy"]),  # calls of 10 ms: late by less than would tell of C
    "lock_convoy": ("no_bottleneck", ["no_bottleneck"]),
    "long_interval": ("bottleneck", ["convoy", "switch_interval"]),  # no call in C: it is as long as was asked for
    "long_regex": ("bottleneck", ["kept_by_c"]),
    "loop_beside_asyncio": ("bottleneck", ["convoy", "switch_interval"]),  # many short waits are no stall
    "loop_beside_io": ("bottleneck", ["convoy", "switch_interval"]),  # Python code gives it up when it is asked to
    "mixed_calls": ("bottleneck", ["kept_by_c", "frequent_releases"]),  # the mean of its holds is short
    "never_released": ("bottleneck", ["never_released"]),
    "pollers": ("bottleneck", ["busy_polling", "kept_by_c"]),  # recorded on a busy machine: for want of a CPU
    "regex_beside_asyncio": ("bottleneck", ["stalled_loop"]),  # a few long waits are no convoy
    "released_by_c": ("no_bottleneck", ["io_bound"]),  # the call takes as long as that of kept_by_c, without the GIL
    "taking_turns": ("no_bottleneck", ["no_bottleneck"]),
    "tiny_tasks": ("bottleneck", ["tiny_tasks", "kept_by_c"]),  # recorded on a busy machine: for want of a CPU
    "two_computers": ("bottleneck", ["computing_threads"]),
    "woken_at_once": ("bottleneck", ["frequent_releases"]),  # nobody keeps it for a switch interval
}
# Who of them did it to whom, in the first finding, None: one of several alike; and, but for the last ones, in the first
# row of blame.
CULPRITS = {
    "busy_handler": ("stalled_loop", "MainThread", "MainThread"),
    "kept_by_c": ("kept_by_c", "MainThread", "reader"),
    "long_interval": ("convoy", "MainThread", "server"),
    "long_regex": ("kept_by_c", "MainThread", "server"),
    "loop_beside_asyncio": ("convoy", "computer", "MainThread"),
    "loop_beside_io": ("convoy", "computer", "MainThread"),
    "mixed_calls": ("kept_by_c", "MainThread", "server"),
    "regex_beside_asyncio": ("stalled_loop", "matcher", "MainThread"),
    "pollers": ("busy_polling", None, "MainThread"),
    "tiny_tasks": ("tiny_tasks", "MainThread", None),
    "two_computers": ("computing_threads", None, None),
}
UNLIKE_BLAME = ("pollers", "tiny_tasks", "two_computers")
BLAMED = {
    **{program: (culprit, victim) for program, (_, culprit, victim) in CULPRITS.items() if program not in UNLIKE_BLAME},
    "busy_handler": ("MainThread", "beater"),
    "large_json": ("handler", None),
    "lock_convoy": (None, None),
}
# What a sentence says, and what none of them does.
SAID = {
    "kept_by_c": "in a call that sleeps (CPU time: ",
    "long_interval": "gives the GIL up only after 50.",
    "mixed_calls": ", 3 × up to ",
    "never_released": "locker got the GIL 892 ms before the end and never gave it up: MainThread waited 878 ms",
    "pollers": "probably for want of a CPU (it had ",
    "tiny_tasks": "probably for want of a CPU (it had ",
}


@pytest.fixture
def tell(host, run, tmp_path):
    """What a capture tells: its JSON, and its text in one line."""

    def tell(program):
        with zipfile.ZipFile(TESTS / "captures" / f"{program}.zip") as archive:
            archive.extractall(tmp_path)
        told = run([host, "report", "--json", "told.json", program], cwd=tmp_path)
        assert told.returncode == 0, told.stderr
        return json.loads((tmp_path / "told.json").read_text()), " ".join(told.stdout.split())

    return tell


def culprit_lines(program):
    lines = (TESTS / "programs" / "blame" / f"{program}.py").read_text().splitlines()
    return {f"{program}.py:{number}" for number, line in enumerate(lines, 1) if line.endswith("# culprit")}


def names_of(document):
    return {row["id"]: row["name"] for row in document["processes"][0]["threads"]}


@pytest.mark.any_host
@pytest.mark.parametrize("program", FOUND)
def test_a_program_shows_what_it_was_written_for_and_nothing_else(tell, program):
    document, said = tell(program)
    findings = document["findings"]
    assert (document["verdict"]["kind"], [finding["kind"] for finding in findings]) == FOUND[program]
    for finding in findings:
        assert f"-> {finding['text']}" in said
        if finding["pid"] is None:  # of the whole run
            assert finding["gil"] is None
            assert finding["at_most"] == pytest.approx(max(1.0, 1 / finding["hold_share"]))


@pytest.mark.any_host
@pytest.mark.parametrize("program", CULPRITS)
def test_a_finding_names_culprit_victim_and_line(tell, program):
    kind, culprit, victim = CULPRITS[program]
    document, _ = tell(program)
    names = names_of(document)
    found = document["findings"][0]
    assert found["kind"] == kind
    assert culprit in (None, names[found["culprit"]])
    assert victim in (None, names[found["victim"]])
    assert found["culprits"][0] == found["culprit"]
    assert found["victim"] in found["victims"] or found["victim"] == found["culprit"]
    assert any(f"{line} " in found["text"] for line in culprit_lines(program)), found["text"]
    assert found["lost_ns"] > 0
    assert found["longest_ns"] > 0
    assert found["count"] > 0


@pytest.mark.any_host
@pytest.mark.parametrize("program", SAID)
def test_a_report_says_what_is_special_about_a_cause(tell, program):
    assert SAID[program] in tell(program)[1]


@pytest.mark.any_host
@pytest.mark.parametrize("program", FOUND)
def test_each_part_of_the_waiting_is_explained_once_and_the_verdict_says_how_much(tell, program):
    document, said = tell(program)
    waited = sum(gil["wait_ns"] for process in document["processes"] for gil in process["gils"])
    causes = [finding for finding in document["findings"] if finding["share"] is not None]
    assert sum(finding["lost_ns"] for finding in causes) <= waited * (1 + 1e-6)
    explained = document["verdict"]["explained"]
    assert (explained or 0) == pytest.approx(sum(finding["share"] for finding in causes), abs=1e-6)
    assert ("of the waiting is explained below" in said) == (bool(explained) and bool(causes))


@pytest.mark.any_host
def test_a_shorter_switch_interval_is_weighed(tell):
    document, _ = tell("loop_beside_io")
    convoy, interval = document["findings"]
    assert 0 < interval["gain_ns"] < interval["lost_ns"] == convoy["lost_ns"]
    assert interval["gain_ns"] < document["wall_ns"]
    assert document["processes"][0]["gils"][0]["switch_interval_ns"] == pytest.approx(5e6, rel=0.1)
    assert interval["cost_ns"] >= 0


@pytest.mark.any_host
@pytest.mark.parametrize("program", BLAMED)
def test_the_culprit_is_blamed_first(tell, program):
    culprit, victim = BLAMED[program]
    document, said = tell(program)
    (process,) = document["processes"]
    first = next(row for row in process["blame"] if row["thread"] is not None)
    names = names_of(document)
    own = next(place for place in first["stack"] if place["file"].endswith(f"/{program}.py"))
    assert f"{program}.py:{own['line']}" in culprit_lines(program)
    assert culprit in (None, names[first["thread"]])
    assert victim in (None, names[max(first["waiters"], key=lambda row: row["wait_ns"])["thread"]])
    sentence = said.split("Who made others wait, ")[1].split(";")[0]
    assert any(f"{line} " in sentence or f"{line}:" in sentence for line in culprit_lines(program)), sentence
    assert f"by {culprit or 'worker'}" in sentence
    assert program != "busy_handler" or ", in the task of handle:" in sentence


def test_what_a_run_finds_is_what_its_report_says(summarize, free_threaded):
    if free_threaded:
        pytest.skip("free-threaded: there is no GIL")
    ran, document = summarize("import time\ntime.sleep(0.1)")  # of what takes less time nothing is said
    (finding,) = document["findings"]
    assert f"-> {finding['text']}" in " ".join(ran.stderr.split())
