"""`gilscope compare` and what is thrown at it: bad tasks and paths, full disks, interrupts.

Command lines that no task is asked about, and files that cannot be made, are in tests/unit/cli/cli_test.cpp.
"""

import json
import os
import signal
import subprocess
from pathlib import Path

import pytest
from tests.integration.tasks import TASKS, run_until, task, waiting_task

any_host = pytest.mark.any_host
SHORT = [task("count"), "--rounds", "1", "--modes", "sequential"]


@any_host
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([task("nowhere")], "has no function 'nowhere'"),
        ([task("NOT_A_FUNCTION")], "is no function but of type int"),
        (["no_such_module:f"], "No module named 'no_such_module'"),
        (["json:nowhere"], "module json has no function 'nowhere'"),
        (["json:dumps"], "module json: 'dumps' needs arguments (obj), and a task is called without"),
        (["json:JSONEncoder.default"], "needs arguments (self, o)"),
        ([], "TASK is required"),
        ([task("count"), "--modes", "fibers"], "fibers not in"),
    ],
    ids=lambda value: " ".join(value).replace(str(TASKS.parents[2]), "") if isinstance(value, list) else "",
)
def test_a_bad_command_line_is_one_clear_error_and_2(host, run, arguments, message):
    result = run([host, "compare", *arguments])
    assert result.returncode == 2
    assert message in result.stderr
    assert "try:" in result.stderr
    assert result.stdout == ""


@any_host
@pytest.mark.parametrize("junk", [b"x = '\x1b[2J\n", bytes(range(256))], ids=["no syntax", "no text"])
def test_a_script_that_is_none_is_told_before_anything_is_measured(host, run, tmp_path, junk):
    script = tmp_path / "broken.py"
    script.write_bytes(junk)
    result = run([host, "compare", script])
    assert (result.returncode, result.stdout) == (2, "")
    assert "a task cannot be loaded: " in result.stderr
    assert "Traceback" not in result.stderr
    assert "\x1b" not in result.stderr


@any_host
def test_a_path_may_hold_anything(compare, tmp_path):
    tasks = []
    for name in ("with space", "quo'te\"s", "ünïcödé", "a:b", "-dash", "new\nline"):
        file = tmp_path / name / f"{name}.py"
        file.parent.mkdir()
        file.write_text(f"def f():\n    assert __file__ == {str(file)!r}\n")
        tasks.append(f"{file}:f")
    compared = compare(*tasks, "--modes", "sequential,subinterpreters,processes")
    assert list(compared.reasons.values()) == [None] * 3
    assert compared.code == 0


def test_a_path_that_is_not_utf_8_is_one_clear_error(host, tmp_path):
    file = tmp_path / os.fsdecode(b"\xff.py")
    file.write_text("x = 1\n")
    result = subprocess.run([host, "compare", file], capture_output=True, check=False)
    assert result.returncode == 2
    assert b"not UTF-8" in result.stderr


@any_host
def test_a_full_disk_leaves_the_table_and_one_clear_error(host, run):
    result = run([host, "compare", *SHORT, "--json", "/dev/full"])
    assert result.returncode == 125
    assert "No space left" in result.stderr
    assert "sequential" in result.stdout


@any_host
def test_a_file_that_exists_is_kept_without_force(host, run, tmp_path):
    file = tmp_path / "out.json"
    file.write_text("precious")
    command = [host, "compare", *SHORT, "--json", file]
    result = run(command)
    assert (result.returncode, file.read_text()) == (2, "precious")
    assert "--force" in result.stderr
    assert run([*command, "--force"]).returncode == 0
    assert json.loads(file.read_text())["schema"] == "gilscope.compare/1"
    assert list(tmp_path.iterdir()) == [file], "nothing else is left in the folder"


def test_a_reader_that_goes_away_is_no_error(host):
    reader, writer = os.pipe()
    os.close(reader)
    result = subprocess.run([host, "compare", *SHORT], stdout=writer, stderr=subprocess.PIPE, check=False)
    os.close(writer)
    assert (result.returncode, result.stderr) == (-signal.SIGPIPE, b"")


@any_host
def test_a_full_standard_output_is_one_clear_error(host):
    with Path("/dev/full").open("w") as full:
        result = subprocess.run([host, "compare", *SHORT], stdout=full, stderr=subprocess.PIPE, text=True, check=False)
    assert result.returncode == 125
    assert "standard output could not be written" in result.stderr


@any_host
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_ends_it_at_once_and_leaves_nothing(host, tmp_path, no_leftovers, number):
    function, ready = waiting_task(tmp_path)
    ended = run_until(ready, [host, "compare", function, "--json", tmp_path / "out.json"], no_leftovers, number)
    assert (ended.returncode, ended.stdout) == (128 + number, "")
    assert "interrupted after 0 of 5 rounds" in ended.stderr
    assert not list(tmp_path.glob("out.json*"))


@any_host
def test_an_interrupt_after_some_rounds_shows_what_there_is(host, tmp_path, no_leftovers):
    function, ready = waiting_task(tmp_path, calls=5)
    ended = run_until(ready, [host, "compare", function, "--modes", "sequential"], no_leftovers)
    assert ended.returncode == 130
    assert "interrupted after 2 of 5 rounds" in ended.stderr
    assert "sequential" in ended.stdout


@any_host
@pytest.mark.parametrize("method", [None, "fork", "spawn", "forkserver"])
def test_a_killed_comparison_takes_its_trial_with_it(host, tmp_path, no_leftovers, method):
    function, ready = waiting_task(tmp_path)
    mode = ["processes", "--start-method", method] if method else ["sequential"]
    command = [host, "compare", function, "-q", "--modes", *mode]
    assert run_until(ready, command, no_leftovers, signal.SIGKILL).returncode == -signal.SIGKILL
