"""Captures of runs that go wrong: killed, out of space, interrupted; and captures that are damaged, or lie.

Only here the whole program meets what goes wrong on a disk: what was recorded is there and told truly, the rest is
said, nothing is left behind, and what is no capture is refused with file and byte.
"""

import json
import os
import resource
import select
import signal
import struct
import subprocess

import pytest
from tests.integration.summaries import READS


@pytest.fixture(autouse=True)
def only_with_a_gil(free_threaded):
    if free_threaded:
        pytest.skip("free-threaded: there is no GIL")


def test_a_bound_drops_the_rest_and_says_so(run, host, script, capture, report_truth):
    ran = run([host, "run", "-o", str(capture), "--max-size", "100k", script(READS), "100000"])
    assert ran.returncode == 0
    assert "DROPPED" in ran.stderr
    assert "figures and time line end where the first was dropped" in ran.stderr.replace("\n", " ")
    document = report_truth(capture)
    probe = document["probe"]
    assert probe["dropped"] > 100_000
    assert probe["events"] + probe["dropped"] >= 200_000
    assert document["check"]["events"] > 1000
    assert sum(f.stat().st_size for f in capture.glob("*.events")) <= 100 * 1024


def test_nothing_is_lost_of_files_that_the_program_cuts_short(run, host, script, capture, report_truth):
    code = """
import glob, os, sys, time
for file in (*glob.glob(os.path.join(sys.argv[1], "*.events")), os.path.join(sys.argv[1], "capture.size")):
    os.truncate(file, 0)
def read():
    zero = os.open("/dev/zero", os.O_RDONLY)
    for _ in range(20_000): os.read(zero, 1)
read()
if os.fork() == 0:
    read()
    os._exit(0)
print(os.wait()[1])
"""
    ran = run([host, "run", "-o", str(capture), script(code), str(capture)])
    assert (ran.returncode, ran.stdout) == (0, "0\n"), ran.stderr
    document = report_truth(capture)
    assert document["probe"]["dropped"] == 0
    assert [process["gils"][0]["holds"] > 20_000 for process in document["processes"]] == [True, True]
    assert not list(capture.glob("*.live")), "the child's file has the name that it had no time to give it"


def test_figures_end_where_the_first_event_was_dropped(run, host, script, capture, report_truth):
    """A thread whose release was dropped would hold the GIL, or wait for it, until the end."""
    code = """
import os, threading, time
def read():
    zero = os.open("/dev/zero", os.O_RDONLY)
    for _ in range(30_000): os.read(zero, 1)
threads = [threading.Thread(target=read) for _ in range(2)]
for thread in threads: thread.start()
for thread in threads: thread.join()
print(time.monotonic_ns())
"""
    trace = capture.parent / "trace.json"
    options = ["--max-size", "150k", "-o", str(capture), "--trace", str(trace)]
    ran = run([host, "run", *options, script(code)])
    assert "figures and time line end where the first was dropped" in ran.stderr.replace("\n", " ")
    (process,) = report_truth(capture)["processes"]
    (events,) = capture.glob("*.events")
    # docs/capture-format.md, "Block 0: the header": when it began, ns of the same clock. What came later was dropped.
    begin_ns = struct.unpack_from("<q", events.read_bytes(), 40)[0]
    assert begin_ns + process["wall_ns"] < int(ran.stdout)
    slices = [event for event in json.loads(trace.read_text())["traceEvents"] if event["ph"] == "X"]
    begin = min(event["ts"] for event in slices)
    assert max(event["ts"] + event["dur"] for event in slices) - begin <= process["wall_ns"] / 1000 + 1


def test_a_capture_without_an_event_says_so(run, host, script, capture, report_truth):
    ran = run([host, "run", "-o", str(capture), "--max-size", "20k", script("print('ran')")])
    assert (ran.returncode, ran.stdout) == (0, "ran\n")
    assert "nothing was recorded of the GIL" in ran.stderr
    assert "DROPPED" in ran.stderr
    assert report_truth(capture)["verdict"]["kind"] == "nothing_recorded"


def test_children_that_find_no_space_are_counted(run, host, script, capture, report_truth):
    code = """
import multiprocessing
if __name__ == "__main__":
    for _ in range(3):
        child = multiprocessing.get_context("spawn").Process(target=int)
        child.start(); child.join()
"""
    assert run([host, "run", "-q", "-o", str(capture), "--max-size", "36k", script(code)]).returncode == 0
    assert report_truth(capture)["probe"]["unrecorded_processes"] == 3


def test_an_end_before_the_script_leaves_no_folder(run, host, tmp_path):
    (tmp_path / "tmp").mkdir()
    for arguments in (["-o", "capture"], ["--trace", "trace.json"]):
        for flag, code in (("--version", 0), ("--bogus", 2)):
            ran = run([host, "run", *arguments, "--", flag], cwd=tmp_path, env={"TMPDIR": str(tmp_path / "tmp")})
            assert ran.returncode == code
            assert [path.name for path in tmp_path.rglob("*")] == ["tmp"]


def test_a_temporary_folder_may_be_named_from_here(run, host, script, tmp_path):
    (tmp_path / "tmp").mkdir()
    command = [host, "run", "--trace", "trace.json", script("import os; os.chdir('/')")]
    ran = run(command, cwd=tmp_path, env={"TMPDIR": "tmp"})
    assert "the GIL" in ran.stderr
    assert (tmp_path / "trace.json").exists()
    assert list((tmp_path / "tmp").iterdir()) == []


def test_a_pipe_without_a_reader_is_an_error_and_one_with_a_reader_is_written_to(run, host, script, tmp_path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    ran = run([host, "run", "--trace", str(pipe), script("print('ran')")])
    assert (ran.returncode, ran.stdout) == (0, "ran\n")
    assert f"{pipe} cannot be written" in ran.stderr
    with os.fdopen(os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)) as reader:
        assert run([host, "run", "-q", "--trace", str(pipe), script("pass")]).returncode == 0
        assert json.loads(reader.read())["traceEvents"]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_long_report_can_be_interrupted_and_leaves_nothing(host, script, tmp_path, no_leftovers, number):
    """It waits for a reader of the one file, who has no hurry, while the other is begun."""
    (tmp_path / "tmp").mkdir()
    os.mkfifo(tmp_path / "trace.json")
    code = "import os; zero = os.open('/dev/zero', os.O_RDONLY)\nfor _ in range(50_000): os.read(zero, 1)"
    command = [host, "run", "--trace", "trace.json", "--firefox", "profile.json", script(code)]
    environment = {**no_leftovers, "TMPDIR": str(tmp_path / "tmp")}
    with os.fdopen(os.open(tmp_path / "trace.json", os.O_RDONLY | os.O_NONBLOCK)) as reader:
        process = subprocess.Popen(command, cwd=tmp_path, env=environment, stderr=subprocess.PIPE, text=True)
        select.select([reader], [], [])
        assert list(tmp_path.glob("profile.json.*.part"))
        process.send_signal(number)
        os.set_blocking(reader.fileno(), True)
        reader.read()
    _, errors = process.communicate(timeout=60)
    assert process.returncode == -number
    assert "interrupted before the report was whole" in errors
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["script.py", "tmp", "trace.json"]


def test_a_trace_comes_though_the_json_cannot_be_written(run, host, script, tmp_path):
    (tmp_path / "gone").mkdir()
    command = [host, "run", "--json", "gone/out.json", "--trace", "trace.json"]
    ran = run([*command, script("import os; os.rmdir('gone')")], cwd=tmp_path)
    assert ran.returncode == 0
    assert "out.json cannot be written" in ran.stderr
    assert json.loads((tmp_path / "trace.json").read_text())["traceEvents"]


def test_a_bound_too_small_for_anything_is_said_before_the_script(run, host, script, capture):
    ran = run([host, "run", "-o", str(capture), "--max-size", "1k", script("print('ran')")])
    assert ran.returncode == 125
    assert ran.stdout == ""
    assert "try: " in ran.stderr
    assert not capture.exists()


def limited_to(size):
    """Before the command runs; the shell's own `ulimit -f` counts in blocks that differ."""

    def limit():
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, resource.getrlimit(resource.RLIMIT_FSIZE)[1]))

    return limit


def test_a_limit_on_files_drops_and_says_so(host, script, capture, no_leftovers, report_truth):
    command = [host, "run", "-o", str(capture), script(READS), "200000"]
    ran = subprocess.run(
        command, capture_output=True, text=True, env=no_leftovers, preexec_fn=limited_to(256 * 1024), timeout=60
    )
    assert ran.returncode == 0, ran.stderr
    assert "DROPPED" in ran.stderr
    assert report_truth(capture)["probe"]["dropped"] > 100_000


def test_a_full_disk_drops_and_says_so(run, host, script, tmp_path, report_truth):
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = run(["mount", "-t", "tmpfs", "-o", "size=256k", "gilscope-test", str(disk)])
    if mounted.returncode != 0:
        pytest.skip("no right to mount a small disk")
    try:
        ran = run([host, "run", "-o", str(disk / "capture"), script(READS), "200000"])
        assert ran.returncode == 0
        assert "DROPPED" in ran.stderr
        document = report_truth(disk / "capture")
        assert document["probe"]["dropped"] > 100_000
        assert document["check"]["events"] > 10_000
    finally:
        assert run(["umount", str(disk)]).returncode == 0


def test_children_without_notes_are_read_all_the_same(run, host, script, capture, report_truth):
    code = "import os\nif os.fork() == 0:\n    os.setsid()\nelse:\n    os.wait()\n"
    assert run([host, "run", "-q", "-o", str(capture), script(code)]).returncode == 0
    with_notes = report_truth(capture)
    (capture / "run.json").unlink()
    without = report_truth(capture)
    assert without["exit_code"] is None
    assert without["probe"]["pair_cost_ns"] is None
    assert [p["pid"] for p in without["processes"]] == [p["pid"] for p in with_notes["processes"]]
    assert [p["start_method"] for p in without["processes"]] == [None, "fork"]
    assert all(process["cpu_ns"] is None for process in without["processes"])


def test_what_is_no_capture_is_refused(run, host, tmp_path):
    for name in ("nothing", str(tmp_path), __file__):
        told = run([host, "report", name], cwd=tmp_path)
        assert told.returncode == 125
        assert told.stdout == ""
        assert "gilscope: " in told.stderr
        assert "Traceback" not in told.stderr
    assert run([host, "report"]).returncode == 2


def test_a_damaged_capture_is_refused_with_file_and_byte(run, host, script, capture):
    assert run([host, "run", "-q", "-o", str(capture), script(READS), "50000"]).returncode == 0
    (events,) = capture.glob("*.events")
    whole = events.read_bytes()
    for damaged in (whole[:100], whole[: len(whole) // 2], b"x" + whole[1:], whole[:8] + b"\x09" + whole[9:]):
        events.write_bytes(damaged)
        told = run([host, "report", "--check", "--trace", str(capture.parent / "trace.json"), str(capture)])
        assert told.returncode == 125
        assert f"{events}: byte " in told.stderr
        assert not (capture.parent / "trace.json").exists()
    events.write_bytes(whole)
    (capture / "run.json").write_text("{")
    told = run([host, "report", str(capture)])
    assert told.returncode == 125
    assert f"{capture / 'run.json'}: byte " in told.stderr


def make_first_release_an_acquire(events):
    """An event that no GIL can have had: docs/capture-format.md, "Records"."""
    data = bytearray(events.read_bytes())
    at = 16384 + 128

    def pass_number():
        nonlocal at
        start = at
        while data[at] & 128:
            at += 1
        at += 1
        return data[start]

    while data[at] & 3 == 3 or data[at] >> 2 & 3 != 3:
        code, what = data[at] & 3, data[at] >> 2
        at += 1 if code == 3 else code + 2
        if code == 3:
            numbers = [pass_number() for _ in range(1 if what in (4, 5) else 2)]
            at += numbers[1] if what == 7 else 0
    data[at] ^= 4
    events.write_bytes(data)


def test_a_capture_that_cannot_be_true_is_found_out(run, host, script, capture):
    assert run([host, "run", "-q", "-o", str(capture), script(READS), "1000"]).returncode == 0
    (events,) = capture.glob("*.events")
    make_first_release_an_acquire(events)
    told = run([host, "report", "--check", str(capture)])
    assert told.returncode == 1
    assert "Truth check: FAILED" in told.stdout
    assert "\n- process " in told.stdout
    told = run([host, "report", "--check", "--json", "-", str(capture)])
    assert told.returncode == 1
    assert json.loads(told.stdout)["check"]["passed"] is False
    assert run([host, "report", str(capture)]).returncode == 0  # nobody asked
