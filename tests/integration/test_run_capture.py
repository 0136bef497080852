"""`gilscope run -o`, `--trace`, and `gilscope report`: captures that are whole.

Only here a report is held against what the run itself said, its time line against its summary, interval by interval;
and options that go together, or not, against what is on the disk afterwards.
"""

import itertools
import json
from collections import defaultdict
from typing import Any

import pytest
from tests.integration.summaries import READS, releases
from tests.schemas import validator_of

# The rows of a time line are numbered from here, by thread.
GIL_ROWS = 10_000_000
THREADS = """
import threading
def work(): sum(range(400_000))
threads = [threading.Thread(target=work, name=f"worker {i}") for i in range(3)]
for thread in threads: thread.start()
for thread in threads: thread.join()
print("done")
"""


@pytest.fixture(autouse=True)
def only_with_a_gil(free_threaded):
    if free_threaded:
        pytest.skip("free-threaded: there is no GIL")


def text(result):
    return result.stdout + result.stderr


@pytest.mark.contract
def test_the_report_is_what_the_run_said(run, host, script, capture, report_truth):
    ran = run([host, "run", "-o", str(capture), script(THREADS)])
    assert (ran.returncode, ran.stdout) == (0, "done\n")
    told = run([host, "report", str(capture)])
    assert told.returncode == 0
    heading, said = told.stdout.split("\n\n", 1)
    assert heading.startswith(f"gilscope run -o {capture} ")
    assert heading.endswith(", exit code 0)")
    assert ran.stderr.strip().startswith(said.strip())
    assert f"The capture is in {capture}" in ran.stderr
    assert report_truth(capture)["probe"]["capture_bytes"] == sum(f.stat().st_size for f in capture.iterdir())


def test_a_quiet_run_keeps_the_capture_and_says_nothing(run, host, script, capture, report_truth):
    ran = run([host, "run", "-q", "-o", str(capture), script(READS), "1000"])
    assert (ran.returncode, text(ran)) == (0, "")
    assert releases(report_truth(capture)) >= 1000
    checked = run([host, "report", "-q", "--check", str(capture)])
    assert checked.stdout.startswith("Truth check: passed.")
    assert checked.stdout.count("\n") == 1


def test_the_exit_code_of_the_script_is_kept_and_known(run, host, script, capture, report_truth):
    assert run([host, "run", "-q", "-o", str(capture), script("import sys; sys.exit(7)")]).returncode == 7
    assert report_truth(capture)["exit_code"] == 7


def test_a_relative_folder_is_that_of_the_start(run, host, script, tmp_path, report_truth):
    code = "import os; os.mkdir('elsewhere'); os.chdir('elsewhere')"
    ran = run([host, "run", "-o", "here", "--trace", "trace.json", script(code)], cwd=tmp_path)
    assert ran.returncode == 0
    report_truth(tmp_path / "here")
    assert (tmp_path / "trace.json").exists()


Sums = dict[tuple[int, int], dict[str, int]]


def sums_of(document: dict[str, Any]) -> Sums:
    """By process and thread, over all GILs."""
    found: Sums = {}
    for process in document["processes"]:
        for thread in process["threads"]:
            row = found.setdefault((process["pid"], thread["id"]), defaultdict(int))
            for figure in ("holds", "hold_ns", "waits", "wait_ns", "forced"):
                row[figure] += thread[figure]
    return found


@pytest.mark.contract
def test_the_timeline_adds_up_to_the_summary(run, host, script, capture, report_truth, tmp_path):
    code = """
import multiprocessing, threading
def work(): sum(range(400_000))
def both():
    threads = [threading.Thread(target=work, name="<script>alert(1)</script>") for i in range(2)]
    for thread in threads: thread.start()
    for thread in threads: thread.join()
if __name__ == "__main__":
    both()
    for method in ("fork", "spawn"):
        child = multiprocessing.get_context(method).Process(target=both)
        child.start(); child.join()
"""
    of_run, of_report = tmp_path / "run.json", tmp_path / "report.json"
    assert run([host, "run", "-o", str(capture), "--trace", str(of_run), script(code)]).returncode == 0
    assert run([host, "report", "--trace", str(of_report), str(capture)]).returncode == 0
    assert of_run.read_bytes() == of_report.read_bytes()
    trace = json.loads(of_run.read_text())
    validator_of("trace").validate(trace)
    slices = [event for event in trace["traceEvents"] if event["ph"] == "X"]
    rows: Sums = defaultdict(lambda: defaultdict(int))
    for event in slices:
        row = rows[event["pid"], event["tid"] - GIL_ROWS]
        row[event["name"] + "s"] += 1
        row[event["name"] + "_ns"] += event["dur"] * 1000
        row["forced"] += event["args"].get("forced", False)
    expected = sums_of(report_truth(capture))
    assert len(expected) == 9
    assert rows.keys() == expected.keys()
    for key, row in expected.items():
        for figure in ("holds", "waits", "forced"):
            assert rows[key][figure] == row[figure]
        for figure in ("hold_ns", "wait_ns"):  # each slice is rounded to a nanosecond
            assert rows[key][figure] == pytest.approx(row[figure], abs=2 * (row["holds"] + row["waits"]))
    names = {(e["pid"], e["tid"]): e["args"]["name"] for e in trace["traceEvents"] if e["name"] == "thread_name"}
    assert sorted(names.values()) == ["<script>alert(1)</script> (GIL)"] * 6 + ["MainThread (GIL)"] * 3
    # On one GIL only one holds at a time, over all threads: the slices of holds do not overlap.
    for pid in {event["pid"] for event in slices}:
        holds = sorted((e["ts"], e["dur"]) for e in slices if e["pid"] == pid and e["name"] == "hold")
        for (begin, length), (following, _) in itertools.pairwise(holds):
            assert begin + length <= following + 0.002


def test_a_timeline_alone_leaves_nothing_else(run, host, script, tmp_path):
    (tmp_path / "tmp").mkdir()
    file = tmp_path / "trace.json"
    environment = {"TMPDIR": str(tmp_path / "tmp")}
    command = [host, "run", "--json", "-", "-q", "--trace", str(file), script(READS), "10"]
    ran = run(command, env=environment)
    assert json.loads(file.read_text())["traceEvents"]
    assert json.loads(ran.stdout)["probe"]["capture_bytes"] is None
    assert list((tmp_path / "tmp").iterdir()) == []


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--max-size", "64M", "-c", "1"], "--max-size bounds a capture"),
        (["--max-size", "many", "-o", "c", "-c", "1"], "--max-size"),
        (["--max-size", "-1", "-o", "c", "-c", "1"], "--max-size"),
        (["-o", "", "-c", "1"], "the folder's name is empty"),
        (["--trace", "", "-c", "1"], "the file's name is empty"),
        (["--json", "x", "--trace", "x", "-c", "1"], "name one file"),
        (["-o", "c", "--trace", "c/t.json", "-c", "1"], "the trace cannot lie in the capture"),
        (["--no-probe", "-o", "c", "-c", "1"], "--no-probe"),
        (["--no-probe", "--trace", "t", "-c", "1"], "--no-probe"),
    ],
)
def test_usage_errors_of_run_make_nothing(run, host, tmp_path, arguments, said):
    ran = run([host, "run", *arguments], cwd=tmp_path)
    assert ran.returncode == 2
    assert said in ran.stderr
    assert list(tmp_path.iterdir()) == []


def test_nothing_is_overwritten_without_force(run, host, script, capture, tmp_path, report_truth):
    file = script(READS)
    command = [host, "run", "-q", "-o", str(capture)]
    assert run([*command, file, "10"]).returncode == 0
    again = run([*command, file, "10"])
    assert again.returncode == 2
    assert f"{capture} exists already" in again.stderr
    assert "--force" in again.stderr
    before = releases(report_truth(capture))
    assert run([*command, "--force", file, "500"]).returncode == 0
    assert releases(report_truth(capture)) >= before + 490
    # A folder of something else is not touched, whatever is said.
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "sea.jpg").write_text("blue")
    refused = run([host, "run", "-o", str(tmp_path / "photos"), "--force", file, "1"])
    assert refused.returncode == 2
    assert "sea.jpg" in refused.stderr
    assert (tmp_path / "photos" / "sea.jpg").read_text() == "blue"
    trace = tmp_path / "trace.json"
    trace.write_text("mine")
    assert run([host, "report", "--trace", str(trace), str(capture)]).returncode == 2
    assert run([host, "run", "--trace", str(trace), file, "1"]).returncode == 2
    assert trace.read_text() == "mine"


def test_a_folder_that_cannot_be_made_is_said_before_the_script(run, host, script):
    for folder in ("/proc/self/capture", "/nowhere/capture"):
        ran = run([host, "run", "-o", folder, script("print('ran')")])
        assert ran.returncode == 125
        assert f"{folder} cannot be made" in ran.stderr
        assert ran.stdout == ""
