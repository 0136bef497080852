"""`gilscope compare` and what is thrown at it: bad command lines and paths, full disks, interrupts."""

import json
import os
import signal
import subprocess
from pathlib import Path

import pytest
from tests.integration.tasks import TASKS, task, waiting_task


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["nowhere.py"], "no such file: nowhere.py"),
        (["."], ". is a directory"),
        ([task("nowhere")], "has no function 'nowhere'"),
        ([task("NOT_A_FUNCTION")], "is no function but of type int"),
        ([task("3")], "'3' is no function's name"),
        ([task("")], "'' is no function's name"),
        (["no_such_module:f"], "No module named 'no_such_module'"),
        (["json:nowhere"], "module json has no function 'nowhere'"),
        (["json:dumps"], "module json: 'dumps' needs arguments (obj), and a task is called without"),
        (["json:JSONEncoder.default"], "needs arguments (self, o)"),
        ([], "TASK is required"),
        ([task("count"), "--modes", "fibers"], "fibers not in"),
        ([task("count"), "--workers", "0"], "not in range"),
        ([task("count"), "--workers", "1000000"], "not in range"),
        ([task("count"), "--workers", "many"], "many"),
        ([task("count"), "--rounds", "0"], "not in range"),
        ([task("count"), "--timeout", "0"], "--timeout"),
        ([task("count"), "--start-method", "clone"], "clone not in"),
        ([task("count"), "--nonsense"], "--nonsense"),
    ],
    ids=lambda value: " ".join(value).replace(str(TASKS.parents[2]), "") if isinstance(value, list) else "",
)
def test_a_bad_command_line_is_one_clear_error_and_2(host, run, arguments, message):
    result = run([host, "compare", *arguments])
    assert result.returncode == 2
    assert message in result.stderr
    assert "try:" in result.stderr
    assert result.stdout == ""


def test_a_script_with_a_syntax_error_is_told_before_anything_is_measured(host, run, tmp_path):
    script = tmp_path / "broken.py"
    script.write_text("x = (\n")
    result = run([host, "compare", script])
    assert result.returncode == 2
    assert "SyntaxError" in result.stderr
    assert "Traceback" not in result.stderr


def test_binary_junk_is_no_script(host, run, tmp_path):
    script = tmp_path / "junk.py"
    script.write_bytes(bytes(range(256)) * 4)
    result = run([host, "compare", script])
    assert result.returncode == 2
    assert "cannot be loaded" in result.stderr
    assert "\x1b" not in result.stderr


@pytest.mark.parametrize("name", ["with space", "quo'te\"s", "ünïcödé", "a:b", "-dash", "new\nline"])
def test_a_path_may_hold_anything(compare, tmp_path, name):
    folder = tmp_path / name
    folder.mkdir()
    file = folder / f"{name}.py"
    file.write_text("def f():\n    return __file__\n")
    code, document = compare(f"{file}:f", "--modes", "sequential,subinterpreters,processes")
    assert [row["reason"] for row in document["modes"]] == [None] * 3
    assert code == 0


def test_a_path_that_is_not_utf_8_is_one_clear_error(host, run, tmp_path):
    file = tmp_path / os.fsdecode(b"\xff.py")
    file.write_text("x = 1\n")
    result = subprocess.run([host, "compare", file], capture_output=True, check=False)
    assert result.returncode == 2
    assert b"not UTF-8" in result.stderr


def test_a_full_disk_leaves_the_table_and_one_clear_error(host, run):
    result = run([host, "compare", task("count"), "--rounds", "1", "--modes", "sequential", "--json", "/dev/full"])
    assert result.returncode == 125
    assert "No space left" in result.stderr
    assert "sequential" in result.stdout


def test_a_folder_that_cannot_be_written_is_told_before_anything_is_measured(host, run):
    result = run([host, "compare", task("count"), "--json", "/proc/nowhere/out.json"])
    assert result.returncode == 125
    assert "cannot be written" in result.stderr
    assert result.stdout == ""


def test_a_file_that_exists_is_kept_without_force(host, run, tmp_path):
    file = tmp_path / "out.json"
    file.write_text("precious")
    command = [host, "compare", task("count"), "--rounds", "1", "--modes", "sequential", "--json", file]
    result = run(command)
    assert (result.returncode, file.read_text()) == (2, "precious")
    assert "--force" in result.stderr
    assert run([*command, "--force"]).returncode == 0
    assert json.loads(file.read_text())["schema"] == "gilscope.compare/1"
    assert list(tmp_path.iterdir()) == [file], "nothing else is left in the folder"


def test_a_reader_that_goes_away_is_no_error(host):
    process = subprocess.Popen(
        [host, "compare", task("count"), "--rounds", "1", "--modes", "sequential"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert process.stdout
    assert process.stderr
    process.stdout.close()
    errors = process.stderr.read()
    assert process.wait(60) == -signal.SIGPIPE
    assert errors == b""


def test_a_full_standard_output_is_one_clear_error(host):
    with Path("/dev/full").open("w") as full:
        result = subprocess.run(
            [host, "compare", task("count"), "--rounds", "1", "--modes", "sequential"],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    assert result.returncode == 125
    assert "standard output could not be written" in result.stderr


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_ends_it_at_once_and_leaves_nothing(host, tmp_path, no_leftovers, number):
    ready = tmp_path / "ready"
    file = tmp_path / "slow.py"
    file.write_text(
        f"import threading\ndef f():\n    open({str(ready)!r}, 'w').close()\n    threading.Event().wait()\n"
    )
    process = subprocess.Popen(
        [host, "compare", f"{file}:f", "--json", tmp_path / "out.json"],
        env=no_leftovers,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    while not ready.exists():
        assert process.poll() is None
    process.send_signal(number)
    output, errors = process.communicate(timeout=30)
    assert process.returncode == 128 + number
    assert "interrupted after 0 of 5 rounds" in errors
    assert output == ""
    assert not (tmp_path / "out.json").exists()
    assert not list(tmp_path.glob("*.part"))


def test_an_interrupt_after_some_rounds_shows_what_there_is(host, tmp_path):
    function, counter = waiting_task(tmp_path, 5)
    process = subprocess.Popen(
        [host, "compare", function, "--modes", "sequential"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    while not counter.exists() or counter.stat().st_size < 5:
        assert process.poll() is None
    process.send_signal(signal.SIGINT)
    output, errors = process.communicate(timeout=30)
    assert process.returncode == 130
    assert "interrupted after 2 of 5 rounds" in errors
    assert "sequential" in output


@pytest.mark.parametrize(
    "mode",
    ["sequential", *(f"processes --start-method {method}" for method in ("fork", "spawn", "forkserver"))],
)
def test_a_killed_comparison_takes_its_trial_with_it(host, tmp_path, no_leftovers, mode):
    ready = tmp_path / "ready"
    file = tmp_path / "slow.py"
    file.write_text(
        f"import threading\ndef f():\n    open({str(ready)!r}, 'w').close()\n    threading.Event().wait()\n"
    )
    command = [host, "compare", f"{file}:f", "-q", "--modes", *mode.split()]
    process = subprocess.Popen(command, env=no_leftovers)
    while not ready.exists():
        assert process.poll() is None
    process.kill()
    process.wait()
