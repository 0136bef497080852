"""`gilscope top`: what a run does within the last seconds, in lines and on a screen.

How windows are cut out of a recording, tests/unit/analysis/run_window_test.cpp asks; what is on the screen,
tests/unit/report/top_text_test.cpp.
"""

import fcntl
import json
import os
import pty
import signal
import struct
import subprocess
import termios
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.integration.live import first_line
from tests.integration.summaries import releases
from tests.schemas import validator_of

pytestmark = pytest.mark.usefixtures("only_with_a_gil")

# Releases the GIL as often as each line of its standard input says, and is idle in between.
ASKED = """
import os, sys
zero = os.open("/dev/zero", os.O_RDONLY)
print("begun", flush=True)
for line in sys.stdin:
    for _ in range(int(line)):
        os.read(zero, 1)
    print("done", flush=True)
"""


def read_window(process: subprocess.Popen[str]) -> dict[str, Any]:
    assert process.stdout
    document: dict[str, Any] = json.loads(process.stdout.readline())
    validator_of("summary").validate(document)
    return document


@pytest.mark.parametrize("keeps", [(), ("-o", "capture")], ids=["counted", "kept"])
def test_windows_sum_to_what_the_run_counted(host, script, start, look, tmp_path, keeps):
    program = start([host, "run", *keeps, "--json", "own.json", script(ASKED)])
    assert first_line(program) == "begun"
    before = releases(look(program.pid))
    top = start([host, "top", "--json", "--interval", "0.05", str(program.pid)])
    windows = [read_window(top)]
    assert windows[0]["running"] == [program.pid]
    assert program.stdin
    for _ in range(3):
        program.stdin.write("100\n")
        program.stdin.flush()
        assert first_line(program) == "done"
        windows.append(read_window(top))
    program.communicate(timeout=60)
    rest, errors = top.communicate(timeout=60)
    assert (top.returncode, errors) == (0, f"gilscope: the recording of process {program.pid} has ended\n")
    windows += [json.loads(line) for line in rest.splitlines()]
    own = json.loads((tmp_path / "own.json").read_text())
    told = sum(releases(window) for window in windows)
    assert told >= 300
    # Between the report and the first look it may have given the GIL up once more, to wait for its first line.
    assert releases(own) - told - before in (0, 1)
    assert sum(window["wall_ns"] for window in windows) <= own["wall_ns"]
    assert all(window["command"][:2] == ["gilscope", "run"] for window in windows)


def test_lines_say_who_made_others_wait_just_now(run, host, script, start):
    code = """
import sys, threading
def work():
    while not is_over: sum(range(10_000))
is_over = False
threads = [threading.Thread(target=work, name=f"worker {i}") for i in range(3)]
for thread in threads: thread.start()
print("begun", flush=True)
sys.stdin.read()
is_over = True
"""
    program = start([host, "run", "-q", script(code)])
    assert first_line(program) == "begun"
    told = run([host, "top", "--count", "2", "--interval", "0.5", str(program.pid)])
    assert told.returncode == 0
    assert told.stdout.count("the GIL was held") == 2
    assert "worker " in told.stdout
    assert "at once, mostly at script.py" in told.stdout.replace("\n", " ")


def test_a_program_that_it_starts_ends_as_it_would(run, host, script):
    code = "import sys; print('out'); print('err', file=sys.stderr); sys.exit(7)"
    told = run([host, "top", "run", script(code)])
    assert told.returncode == 7
    assert "out\n" not in told.stdout
    assert "out\n" in told.stderr
    assert "err\n" in told.stderr
    assert "gilscope: " in told.stderr, "the report"


def test_an_interrupt_is_the_programs_and_its_exit_code_is_told(host, script, start):
    code = (
        "import time\nprint('begun', flush=True)\ntry: time.sleep(600)\nexcept KeyboardInterrupt: raise SystemExit(9)"
    )
    top = start([host, "top", "--json", "run", "-q", script(code)])
    read_window(top)
    assert top.stderr
    assert top.stderr.readline() == "begun\n"
    top.send_signal(signal.SIGINT)
    _, errors = top.communicate(timeout=60)
    assert top.returncode == 9
    assert "is interrupted, and its end awaited" in errors


def test_who_looks_may_be_interrupted_and_the_program_goes_on(host, script, start):
    program = start([host, "run", "-q", script(ASKED)])
    assert first_line(program) == "begun"
    top = start([host, "top", "--json", "--interval", "0.05", str(program.pid)])
    read_window(top)
    top.send_signal(signal.SIGINT)
    _, errors = top.communicate(timeout=60)
    assert (top.returncode, errors.splitlines()[-1]) == (130, "gilscope: interrupted")
    assert program.poll() is None
    out, _ = program.communicate("5\n", timeout=60)
    assert (program.returncode, out) == (0, "done\n")


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        ([], 2, "it takes the number of a process, or a program to run"),
        (["run"], 2, "it takes the number of a process, or a program to run"),
        (["12", "run", "x.py"], 2, "it takes the number of a process, or a program to run"),
        (["x.py"], 2, "'x.py' is no number of a process"),
        (["0"], 2, "'0' is no number of a process"),
        (["--interval", "0", "12"], 2, "--interval"),
        (["--interval", "-1", "12"], 2, "--interval"),
        (["--interval", "nan", "12"], 2, "--interval"),
        (["--count", "0", "12"], 2, "--count"),
        ([str(os.getpid())], 125, "is not recorded"),
        ([str(2**31 - 1)], 125, "there is no process"),
    ],
)
def test_what_cannot_be_shown_is_one_clear_error(run, host, arguments, code, says):
    told = run([host, "top", *arguments])
    assert told.returncode == code
    assert told.stdout == ""
    assert says in told.stderr
    assert "try: " in told.stderr


class Terminal:
    """A terminal with a program in its foreground."""

    def __init__(self, command: list[str], environment: dict[str, str], folder: Path, kind: str) -> None:
        self.output = b""
        self.pid, self.file = pty.fork()
        if self.pid == 0:
            os.chdir(folder)
            os.execve(command[0], command, {**environment, "TERM": kind, "LC_ALL": "C.UTF-8"})
        fcntl.ioctl(self.file, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 100, 0, 0))

    def read_until(self, words: str) -> None:
        """Read on until these words have come."""
        while words.encode() not in self.output:
            self.output += os.read(self.file, 65536)

    def press(self, key: str) -> None:
        os.write(self.file, key.encode())

    def wait(self) -> int:
        """Return the exit code at its end, as a shell does."""
        while True:
            try:
                read = os.read(self.file, 65536)
            except OSError:  # nobody writes to it any more
                break
            if not read:
                break
            self.output += read
        os.close(self.file)
        return os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])


@pytest.fixture
def on_terminal(no_leftovers: dict[str, str], tmp_path: Path) -> Iterator[Any]:
    terminals: list[Terminal] = []

    def begin(command: list[str], kind: str = "xterm-256color") -> Terminal:
        terminals.append(Terminal(command, no_leftovers, tmp_path, kind))
        return terminals[-1]

    yield begin
    for terminal in terminals:
        try:
            os.kill(terminal.pid, signal.SIGKILL)
        except ProcessLookupError:
            continue


def test_the_screen_is_drawn_takes_keys_and_gives_the_terminal_back(host, script, start, on_terminal):
    pytest.importorskip("curses")
    program = start([host, "run", "-q", script(ASKED)])
    assert first_line(program) == "begun"
    terminal = on_terminal([host, "top", str(program.pid)])
    terminal.read_until("q quit")
    terminal.read_until("MainThread")
    terminal.press("?")
    terminal.read_until("back to all threads")
    terminal.press("q")
    assert terminal.wait() == 0
    assert b"\x1b[?1049l" in terminal.output, "the screen that was there before"
    assert program.poll() is None


def test_the_screen_of_a_program_shows_its_output_afterwards(host, script, on_terminal, tmp_path):
    pytest.importorskip("curses")
    os.mkfifo(tmp_path / "pipe")
    code = "import time\nprint('out of it', flush=True)\ntry: open('pipe', 'w').close(); time.sleep(600)\nfinally: pass"
    terminal = on_terminal([host, "top", "run", script(code)])
    (tmp_path / "pipe").read_text()  # it has printed
    terminal.read_until("q quit")
    assert b"out of it" not in terminal.output
    terminal.press("\x03")
    assert terminal.wait() == 130
    before, _, after = terminal.output.partition(b"\x1b[?1049l")
    assert b"out of it" not in before
    assert b"out of it" in after
    assert b"KeyboardInterrupt" in after


def test_a_terminal_that_curses_does_not_know_gets_lines(host, script, start, on_terminal):
    program = start([host, "run", "-q", script(ASKED)])
    assert first_line(program) == "begun"
    terminal = on_terminal([host, "top", "--interval", "0.05", str(program.pid)], "dumb")
    terminal.read_until("has no screen")
    terminal.read_until("after ")
    terminal.press("\x03")
    assert terminal.wait() == 130
    assert program.poll() is None


def test_a_terminal_that_is_closed_ends_the_program_that_had_it(host, script, on_terminal, tmp_path):
    pytest.importorskip("curses")
    os.mkfifo(tmp_path / "pipe")
    # Two threads, as an interrupt would reach but one of them.
    code = "import threading\nthreading.Thread(target=threading.Event().wait).start()\nopen('pipe', 'w').write('1')\n"
    terminal = on_terminal([host, "top", "run", "-q", script(code)])
    assert (tmp_path / "pipe").read_text() == "1"
    terminal.read_until("q quit")
    os.close(terminal.file)
    assert os.waitstatus_to_exitcode(os.waitpid(terminal.pid, 0)[1]) == 128 + signal.SIGHUP
