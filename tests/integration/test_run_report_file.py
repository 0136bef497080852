"""Where the text of `gilscope run` goes: to the file of --report, or to the standard error that there was at the start.

Only here the program takes standard error away, or fills it, and what is said is read all the same.
"""

import os
import subprocess
from pathlib import Path

import pytest
from tests.processes import has_ended


@pytest.fixture(autouse=True)
def only_with_a_gil(free_threaded):
    if free_threaded:
        pytest.skip("free-threaded: there is no GIL")


@pytest.mark.parametrize("keeps", [(), ("-o", "capture")], ids=["counted", "kept"])
@pytest.mark.parametrize(
    ("end", "returned", "said"),
    [("", 0, "gilscope: "), ("os._exit(3)", 3, "It ended without the end of Python (as by os._exit)")],
    ids=["by Python", "by os._exit"],
)
def test_the_report_is_in_its_file_and_nothing_is_said(run, host, script, tmp_path, keeps, end, returned, said):
    program = script(f"import os, sys; os.chdir('/'); print('own', file=sys.stderr, flush=True); {end}")
    ran = run([host, "run", *keeps, "--report", "report.txt", program], cwd=tmp_path)
    assert (ran.returncode, ran.stderr) == (returned, "own\n")
    text = (tmp_path / "report.txt").read_text()
    assert text.startswith("gilscope: ")
    assert said in text
    assert ("The capture is in" in text) == bool(keeps)
    assert "\x1b" not in text


@pytest.mark.any_host
def test_a_quiet_run_writes_it_too_and_standard_output_has_it_after_the_programs(run, host):
    ran = run([host, "run", "-q", "--report", "-", "-c", "print('own')"])
    assert (ran.returncode, ran.stderr) == (0, "")
    assert ran.stdout.startswith("own\ngilscope: ")


@pytest.mark.any_host
def test_that_of_the_cost_is_in_its_file(run, host, tmp_path):
    ran = run([host, "run", "-q", "--cost", "--rounds", "2", "--report", "report.txt", "-c", ""], cwd=tmp_path)
    assert (ran.returncode, ran.stderr) == (0, "")
    assert "tracing" in (tmp_path / "report.txt").read_text()


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["--report", "there"], 2, "there exists already"),
        (["--report", "."], 2, ". is a directory"),
        (["--report", ""], 2, "the file's name is empty"),
        (["--report", "nowhere/x"], 125, "nowhere/x cannot be written: No such file or directory"),
        (["--report", "x", "--json", "x"], 2, "--report and --json name one file"),
        (["--report", "x", "--no-probe"], 2, "--no-probe traces nothing"),
    ],
)
@pytest.mark.any_host
def test_what_cannot_be_is_said_before_the_program_begins(run, host, tmp_path, arguments, code, said):
    (tmp_path / "there").write_text("mine")
    ran = run([host, "run", *arguments, "-c", "print('ran')"], cwd=tmp_path)
    assert (ran.returncode, ran.stdout) == (code, "")
    assert said in ran.stderr
    assert [file.name for file in tmp_path.iterdir()] == ["there"]
    assert (tmp_path / "there").read_text() == "mine"


@pytest.mark.parametrize(
    "code",
    [
        "os.dup2(os.open('log', os.O_CREAT | os.O_WRONLY), 2)",
        "r, w = os.pipe(); os.dup2(w, 2); fcntl.fcntl(w, fcntl.F_SETPIPE_SZ, 4096); os.write(2, b'x' * 4000)",
        "os.closerange(3, 4096)",
        "os.close(2)",
        "os.close(2); assert os.open('log', os.O_CREAT | os.O_WRONLY) == 2",
        "os.closerange(0, 4096)",
        "os.closerange(0, 4096); [os.open('log', os.O_CREAT | os.O_WRONLY) for _ in range(300)]",
    ],
    ids=["a log", "a full pipe", "others closed", "closed", "a file there", "all closed", "files everywhere"],
)
def test_it_goes_to_the_standard_error_of_the_start(run, host, script, tmp_path, code):
    ran = run([host, "run", script(f"import fcntl, os\n{code}")], cwd=tmp_path)
    assert ran.returncode == 0
    assert ran.stderr.startswith("\ngilscope: ")
    assert ran.stderr.count("gilscope: ") == 1
    assert (tmp_path / "log").read_text() == "" if "log" in code else not (tmp_path / "log").exists()


FILLS = """
import os
os.set_blocking(2, False)
try:
    while True: os.write(2, b"x")
except BlockingIOError: pass
os.set_blocking(2, True)
"""


def test_a_pipe_that_nobody_reads_ends_the_program_all_the_same(host, script, no_leftovers):
    """And whoever reads it later finds the report, whole."""
    process = subprocess.Popen([host, "run", script(FILLS)], stderr=subprocess.PIPE, env=no_leftovers, text=True)
    assert process.wait(timeout=60) == 0
    assert process.stderr
    said = process.stderr.read()
    assert said.lstrip("x").startswith("\ngilscope: ")
    assert said.endswith(".\n")


def test_a_reader_that_is_gone_changes_no_exit_status(host, script, no_leftovers):
    code = "import signal, sys; signal.signal(signal.SIGPIPE, signal.SIG_DFL); sys.stdin.read()"
    process = subprocess.Popen(
        [host, "run", script(code)], stdin=subprocess.PIPE, stderr=subprocess.PIPE, env=no_leftovers
    )
    assert process.stdin
    assert process.stderr
    process.stderr.close()
    process.stdin.close()
    assert process.wait(timeout=60) == 0


def test_a_child_that_lives_on_does_not_hold_standard_error(host, script, no_leftovers):
    """As under python: whoever reads that sees its end, though the child has all descriptors but these."""
    code = """
import os
child = os.fork()
if child: os._exit(0 if print(child, flush=True) else 0)
os.close(1); os.close(2)
os.read(0, 1)
"""
    process = subprocess.Popen(
        [host, "run", script(code)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=no_leftovers,
        text=True,
    )
    assert process.stdin
    assert process.stdout
    assert process.stderr
    child = int(process.stdout.readline())
    assert "gilscope: " in process.stderr.read()
    assert process.wait(timeout=60) == 0
    assert Path(f"/proc/{child}").exists()
    os.write(process.stdin.fileno(), b"x")
    process.stdin.close()
    process.stdout.close()
    assert has_ended(child, 60)
