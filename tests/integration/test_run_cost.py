"""`gilscope run --cost`: which runs it makes of a program, in which order, and what becomes of them.

No time is looked at but that it is one: what a ratio means is tested in tests/unit/analysis/tracing_cost_test.cpp.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
from pathlib import Path
from typing import Any

import pytest
from tests.schemas import validator_of

# Appends how it was run: each run is a line of the file that is its argument.
NOTES = """
import os, sys, threading
with open(sys.argv[1], "a") as notes:
    words = open("/proc/self/cmdline").read().split("\\0")
    print("untraced" if "--no-probe" in words else "traced", file=notes)
thread = threading.Thread(target=sum, args=(range(1000),))
thread.start()
thread.join()
print("out", *sys.argv[2:])
print("err", file=sys.stderr)
"""


def read_notes(file: Path) -> list[str]:
    return file.read_text().split()


def measure(run, host, arguments: list[str], **options: Any) -> tuple[subprocess.CompletedProcess[str], dict[str, Any]]:
    """With its JSON, which must be as the schema says."""
    file = Path(arguments[-1]).with_name("cost.json")
    ran = run([host, "run", "--cost", "--json", str(file), "--force", *arguments], **options)
    document = json.loads(file.read_text())
    validator_of("cost").validate(document)
    return ran, document


def test_runs_with_and_without_tracing_come_in_turns_and_the_first_is_shown(run, host, script, tmp_path, free_threaded):
    notes = tmp_path / "notes"
    ran, document = measure(run, host, ["--rounds", "3", script(NOTES), str(notes)])
    assert (ran.returncode, ran.stdout) == (0, "out\n"), ran.stderr
    assert ran.stderr.startswith("err\n\ngilscope: the difference is ")
    assert ran.stderr.count("err\n") == 1
    # The first run is traced, and in no figure; then each round begins with the other kind.
    assert read_notes(notes) == ["traced", "traced", "untraced", "untraced", "traced", "traced", "untraced"]
    assert (document["rounds"], document["rounds_done"], document["recorded"]) == (3, 3, "counters")
    assert document["has_gil"] is not free_threaded
    assert (document["said_share"] is None) is free_threaded
    assert document["python"]["version"]
    assert document["command"][1:3] == ["run", "--cost"]
    assert (document["verdict"]["kind"], document["wall"]["ratio"]["low"]) == ("too_few_rounds", None)
    for kind in ("traced_ns", "untraced_ns"):
        assert len(document["wall"][kind]["samples"]) == 3
        assert min(document["wall"][kind]["samples"]) > 0


def test_five_rounds_have_an_interval(run, host, script, tmp_path):
    ran, document = measure(run, host, [script(NOTES), str(tmp_path / "notes")])
    assert ran.returncode == 0, ran.stderr
    ratio = document["wall"]["ratio"]
    assert ratio["low"] <= ratio["median"] <= ratio["high"]
    assert document["verdict"]["kind"] in ("slower", "not_told", "faster")
    assert document["verdict"]["text"] in ran.stderr.replace("\n", " ")
    assert "5 rounds" in ran.stderr


@pytest.mark.parametrize("what", ["exits", "is killed"])
def test_a_program_that_fails_at_first_is_not_measured_and_its_exit_code_is_kept(run, host, script, tmp_path, what):
    ending = {"exits": "sys.exit(7)", "is killed": "import signal; os.kill(os.getpid(), signal.SIGTERM)"}[what]
    code = {"exits": 7, "is killed": 128 + signal.SIGTERM}[what]
    notes, cost = tmp_path / "notes", tmp_path / "cost.json"
    ran = run([host, "run", "--cost", "--json", str(cost), script(NOTES + "sys.stdout.flush()\n" + ending), str(notes)])
    assert (ran.returncode, ran.stdout) == (code, "out\n")
    assert ran.stderr == (
        f"err\ngilscope: the first run ended with exit code {code}: what tracing costs is not measured\n"
    )
    assert read_notes(notes) == ["traced"]
    assert not cost.exists()


def test_a_program_that_fails_later_on_is_not_measured_and_its_last_words_are_said(run, host, script, tmp_path):
    notes = tmp_path / "notes"
    fails = NOTES + "if open(sys.argv[1]).read().count('untraced'): sys.exit('no second time')\n"
    ran = run([host, "run", "--cost", "--rounds", "2", script(fails), str(notes)])
    assert (ran.returncode, ran.stdout) == (1, "out\n")
    assert ran.stderr == (
        "err\ngilscope: the run without of round 1 ended with exit code 1: what tracing costs is not measured\n"
        "  its last words: no second time\n"
    )
    assert read_notes(notes) == ["traced", "traced", "untraced"]


def test_a_capture_is_that_of_the_first_run_and_the_others_leave_none(run, host, script, tmp_path, free_threaded):
    kept, temporary = tmp_path / "kept", tmp_path / "temporary"
    temporary.mkdir()
    ran, document = measure(
        run,
        host,
        ["--rounds", "1", "-o", str(kept), script(NOTES), str(tmp_path / "notes")],
        env={"TMPDIR": str(temporary)},
    )
    assert ran.returncode == 0, ran.stderr
    assert document["recorded"] == "events"
    assert f"The capture of the first run is in {kept}: gilscope report shows it.\n" in ran.stderr
    assert not list(temporary.iterdir())
    shown = run([host, "report", "--json", "-", str(kept)])
    assert shown.returncode == 0, shown.stderr
    assert free_threaded or json.loads(shown.stdout)["probe"]["cost_share"] == document["said_share"]


def test_each_run_reads_the_file_that_is_standard_input(run, host, script, tmp_path):
    notes, data = tmp_path / "notes", tmp_path / "data"
    data.write_text("one two three\n")
    code = "import sys\nwith open(sys.argv[1], 'a') as notes: print(len(sys.stdin.read()), file=notes)"
    command = [host, "run", "--cost", "--rounds", "1", script(code), str(notes)]
    ran = run(["sh", "-c", 'exec "$@" <"$0"', str(data), *command])
    assert ran.returncode == 0, ran.stderr
    assert read_notes(notes) == ["14", "14", "14"]


def test_a_program_on_standard_input_is_run_where_that_is_a_file_and_refused_elsewhere(run, host, script):
    command = [host, "run", "--cost", "--rounds", "1", "-", "word"]
    ran = run(["sh", "-c", 'exec "$@" <"$0"', script("import sys; print(sys.argv)"), *command])
    assert (ran.returncode, ran.stdout) == (0, "['-', 'word']\n"), ran.stderr
    piped = run(command, stdin="print('never')")
    assert (piped.returncode, piped.stdout) == (2, "")
    assert "standard input can be read once" in piped.stderr


def test_a_program_that_ends_suddenly_is_measured(run, host, script, tmp_path):
    ran, document = measure(
        run, host, ["--rounds", "1", script(NOTES + "sys.stdout.flush()\nos._exit(0)"), str(tmp_path / "notes")]
    )
    assert (ran.returncode, ran.stdout, document["rounds_done"]) == (0, "out\n", 1)


def test_words_of_the_program_and_flags_of_python_reach_each_run(run, host, tmp_path):
    code = "import sys; print(*sys.argv[1:], sys.flags.dont_write_bytecode)"
    ran = run([host, "run", "--cost", "--rounds", "1", "--", "-B", "-c", code, "--cost", "--", "-q"])
    assert (ran.returncode, ran.stdout) == (0, "--cost -- -q 1\n"), ran.stderr


def test_quiet_says_nothing_but_what_the_program_says(run, host, script, tmp_path):
    notes = tmp_path / "notes"
    ran = run([host, "run", "--cost", "-q", "--json", "-", "--rounds", "1", script(NOTES), str(notes), "word"])
    assert (ran.returncode, ran.stderr) == (0, "err\n")
    first, _, document = ran.stdout.partition("\n")
    assert first == "out word"
    validator_of("cost").validate(json.loads(document))


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--rounds", "3"], "--rounds is of --cost"),
        (["--cost", "--no-probe"], "--no-probe leaves nothing to compare"),
        (["--cost", "--html", "page.html"], "--cost measures, and exports nothing"),
        (["--cost", "--trace", "trace.json"], "--cost measures, and exports nothing"),
        (["--cost", "--max-size", "1M"], "--max-size bounds a capture"),
        (["--cost", "-q"], "--cost with -q measures and tells nobody"),
        (["--cost", "--rounds", "0"], "--rounds"),
        (["--cost", "--rounds", "many"], "--rounds"),
    ],
)
def test_options_that_make_no_sense_with_it_are_one_error(run, host, script, tmp_path, options, said):
    notes = tmp_path / "notes"
    ran = run([host, "run", *options, script(NOTES), str(notes)], cwd=tmp_path)
    assert (ran.returncode, ran.stdout) == (2, ""), ran.stderr
    lines = ran.stderr.splitlines()
    assert len(lines) == 2
    assert said in lines[0]
    assert lines[1].startswith("  try: ")
    assert not notes.exists()


# The run that is told to says so, and goes on until it is told to end.
WAITS = """
import os, signal, sys
with open(sys.argv[1], "a") as notes: print("run", file=notes)
if len(open(sys.argv[1]).read().split()) == int(sys.argv[2]):
    os.write(int(sys.argv[3]), b"ready")
    signal.pause()
"""


@pytest.mark.parametrize(("run_number", "rounds_done"), [(1, 0), (3, 0), (4, 1)])
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_ends_it_shows_what_there_is_and_leaves_nothing(
    host, script, tmp_path, no_leftovers, run_number, rounds_done, number
):
    temporary, cost = tmp_path / "temporary", tmp_path / "cost.json"
    temporary.mkdir()
    read, write = os.pipe()
    words = [script(WAITS), str(tmp_path / "notes"), str(run_number), str(write)]
    process = subprocess.Popen(
        [host, "run", "--cost", "--rounds", "5", "--json", str(cost), *words],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**no_leftovers, "TMPDIR": str(temporary)},
        text=True,
        pass_fds=[write],
    )
    os.close(write)
    assert os.read(read, 5) == b"ready"
    os.close(read)
    process.send_signal(number)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 128 + number
    assert f"gilscope: interrupted after {rounds_done} of 5 rounds\n" in errors
    assert cost.exists() == (rounds_done > 0)
    assert ("the difference is" in errors) == (rounds_done > 0)
    assert not list(temporary.iterdir())
