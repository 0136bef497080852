"""`gilscope run` is `python` where signals come, and where standard streams are closed, full or cut off.

Only here signals come from outside, into programs that handle, ignore or await them in every way, and the three
standard streams are broken: the same output, errors and exit code as under `python`.
"""

from __future__ import annotations

import os
import pty
import signal
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from tests.processes import signal_main_thread, waits_for_gil

if TYPE_CHECKING:
    from tests.integration.conftest import Pair

# Each says that it is ready, and then waits for a signal that is sent at once.
WAITERS = {
    "nothing said": "",
    "caught": "try:\n    wait()\nexcept KeyboardInterrupt as e:\n    print('caught', repr(e))",
    "cleaned up": "import atexit\natexit.register(print, 'atexit')\ntry:\n    wait()\nfinally:\n    print('finally')",
    "exit": "import sys\ntry:\n    wait()\nexcept KeyboardInterrupt:\n    sys.exit(4)",
    "handler": "import sys\nsignal.signal(NUMBER, lambda n, frame: sys.exit(n))\nwait()",
    "handler that goes on": "seen = []\nsignal.signal(NUMBER, lambda n, frame: seen.append(n))\nwait()\nprint(seen)",
    "default": "signal.signal(NUMBER, signal.SIG_DFL)\nwait()",
    "ignored": "import sys\nsignal.signal(NUMBER, signal.SIG_IGN)\nsay_ready()\nsys.stdin.read()\nprint('went on')",
    "asyncio": "import asyncio\nasync def f():\n    loop = asyncio.get_running_loop()\n    end = asyncio.Event()\n"
    "    loop.add_signal_handler(NUMBER, end.set)\n    say_ready()\n    await end.wait()\n    print('ended')\n"
    "asyncio.run(f())",
    "asyncio left alone": "import asyncio\nasync def f():\n    asyncio.get_running_loop().call_soon(say_ready)\n"
    "    await asyncio.Event().wait()\nasyncio.run(f())",
    "thread": "import threading\nend = threading.Event()\n"
    "signal.signal(NUMBER, lambda n, frame: (print(threading.current_thread().name), end.set()))\n"
    "thread = threading.Thread(target=end.wait)\nthread.start()\nsay_ready()\nthread.join()",
    "busy loop": "try:\n    say_ready()\n    while True:\n        pass\nexcept KeyboardInterrupt:\n    print('caught')",
    "faulthandler": "import faulthandler\nfaulthandler.enable()\nwait()",
    "wakeup descriptor": "import os\nr, w = os.pipe()\nos.set_blocking(w, False)\nsignal.set_wakeup_fd(w)\n"
    "signal.signal(NUMBER, lambda n, frame: None)\nwait()\nprint(os.read(r, 1))",
}
SOME_TICKS = 10  # of CPU time: more than a start takes
HEAD = """import signal
NUMBER = {number}
def say_ready():
    print("ready", flush=True)
def wait():
    say_ready()
    signal.pause()
"""


def wait_until_asleep(process: subprocess.Popen[str]) -> None:
    """So that the signal finds it where it waits, not on the way there. (A busy loop uses CPU time instead.)"""
    folder = Path(f"/proc/{process.pid}")
    while process.poll() is None:
        state, *numbers = (folder / "stat").read_text().rpartition(")")[2].split()
        if (state == "S" and not waits_for_gil(folder)) or int(numbers[10]) > SOME_TICKS:
            return


def send_when_ready(command: list[str], number: signal.Signals, environment: dict[str, str]) -> tuple[str, str, int]:
    """What the program says after it was ready, and how it ends."""
    pipe = subprocess.PIPE
    process = subprocess.Popen(
        command, stdin=pipe, stdout=pipe, stderr=pipe, env=environment, text=True, start_new_session=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n", process.communicate()[1]
    wait_until_asleep(process)
    signal_main_thread(process.pid, number)
    try:
        output, errors = process.communicate(timeout=60)
    finally:
        process.kill()
    return output, errors, process.returncode


INTERRUPTED = [(name, signal.SIGINT) for name in WAITERS]
OTHERS = [("nothing said", signal.SIGTERM), ("handler", signal.SIGTERM), ("asyncio", signal.SIGTERM)]


@pytest.mark.contract
@pytest.mark.parametrize(("name", "number"), [*INTERRUPTED, *OTHERS, ("handler that goes on", signal.SIGUSR1)])
def test_a_signal_has_the_same_effect(
    host: str, stock: str, no_leftovers: dict[str, str], tmp_path: Path, name: str, number: signal.Signals
) -> None:
    script = tmp_path / "script.py"
    script.write_text(HEAD.format(number=int(number)) + (WAITERS[name] or "wait()"))
    expected = send_when_ready([stock, str(script)], number, no_leftovers)
    assert send_when_ready([host, "run", "-q", str(script)], number, no_leftovers) == expected


def test_an_unhandled_interrupt_ends_the_process_by_sigint(
    host: str, no_leftovers: dict[str, str], tmp_path: Path
) -> None:
    script = tmp_path / "script.py"
    script.write_text(HEAD.format(number=2) + "wait()")
    _, errors, code = send_when_ready([host, "run", "-q", str(script)], signal.SIGINT, no_leftovers)
    assert code == -signal.SIGINT
    assert errors.endswith("\nKeyboardInterrupt\n")


@pytest.mark.parametrize("number", [signal.SIGSEGV, signal.SIGABRT, signal.SIGFPE])
def test_faulthandler_writes_the_same_traceback(same: Pair, number: signal.Signals) -> None:
    code = f"import os\ndef f():\n    os.kill(os.getpid(), {int(number)})\nf()"
    assert "Fatal Python error" in same("-X", "faulthandler", "-c", code).stderr


def test_signals_that_the_caller_ignores_stay_ignored(same: Pair) -> None:
    code = "import signal; print(*map(signal.getsignal, (2, 13, 15)), signal.pthread_sigmask(0, ()))"
    same("-c", code, shell='trap "" INT TERM PIPE; exec "$@"')


PROGRAMS = {
    "prints": "print('x' * 100)",
    "prints much": "for n in range(100000):\n    print(n)",
    "fails": "import sys\nprint('x')\nprint('y', file=sys.stderr)\n1 / 0",
    "reads": "import sys\nprint(sys.stdin, sys.stdout and 1, sys.stderr and 2, flush=True)\nprint(sys.stdin.read())",
    "opens a file": "print(open('/dev/null').fileno())\nimport os\nos.fstat(0)",
}
BROKEN = {
    "prints": [">&-", "<&- >&- 2>&-", ">/dev/full", ">/dev/null </dev/null 1<&0"],
    "prints much": [">/dev/full", "| true"],
    "fails": ["2>&-", ">&- 2>&-", "2>/dev/full"],
    "reads": ["<&-", "</"],
    "opens a file": ["<&-", ">&-", "<&- >&- 2>&-"],
}


@pytest.mark.parametrize(("program", "stream"), [(name, stream) for name in BROKEN for stream in BROKEN[name]])
def test_broken_streams_have_the_same_effect(same: Pair, tmp_path: Path, program: str, stream: str) -> None:
    (tmp_path / "script.py").write_text(PROGRAMS[program])
    same("script.py", shell='{ "$@"; echo "code $?" >&2; } | true' if stream == "| true" else f'"$@" {stream}')


def test_a_reader_that_leaves_after_a_line_ends_the_script_as_under_python(
    host: str, stock: str, no_leftovers: dict[str, str], tmp_path: Path
) -> None:
    (tmp_path / "script.py").write_text("print('first', flush=True)\nwhile True:\n    print('x' * 1000)\n")

    def read_a_line(command: list[str]) -> tuple[str, int]:
        process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=no_leftovers, cwd=tmp_path, text=True
        )
        assert process.stdout is not None
        assert process.stderr is not None
        assert process.stdout.readline() == "first\n"
        process.stdout.close()
        errors = process.stderr.read()
        process.stderr.close()
        return errors, process.wait(60)

    expected = read_a_line([stock, "script.py"])
    assert "BrokenPipeError" in expected[0]
    assert read_a_line([host, "run", "-q", "script.py"]) == expected


def test_a_terminal_is_used_in_the_same_way(host: str, stock: str, no_leftovers: dict[str, str]) -> None:
    code = "import sys; print(input('? '), sys.stdin.isatty(), sys.stdout.line_buffering, sys.stdin.encoding)"

    def talk(command: list[str]) -> tuple[bytes, int]:
        try:
            controller, terminal = pty.openpty()
        except OSError as error:  # as in a bare chroot
            pytest.skip(f"no pseudo-terminal here: {error}")
        process = subprocess.Popen(
            command, stdin=terminal, stdout=terminal, stderr=terminal, env=no_leftovers, start_new_session=True
        )
        os.close(terminal)
        said = b""
        while not said.endswith(b"? "):
            said += os.read(controller, 4096)
        os.write(controller, "é answer\n".encode())
        while True:
            try:
                said += os.read(controller, 4096)
            except OSError:  # the other end is closed: the program has ended
                break
        os.close(controller)
        return said, process.wait(60)

    assert talk([host, "run", "-q", "-c", code]) == talk([stock, "-c", code])
