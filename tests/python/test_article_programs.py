"""The article's programs that count and wait, as plain scripts: what they print, take and lend, and how they end.

Only here are they run as anybody runs them, by a Python that has nothing but itself. What needs no process of its own
is asked of their modules, in this one.
"""

from __future__ import annotations

import asyncio
import importlib
import inspect
import os
import platform
import runpy
import signal
import subprocess
import sys
import time
from contextlib import suppress
from types import SimpleNamespace
from typing import TYPE_CHECKING, NamedTuple

import pytest
from tests.article_programs import (
    ADD_SUB,
    ARTICLE,
    PATIENCE_S,
    PRINTS,
    TASKS,
    require_lines,
    script_of,
    start,
)
from tests.processes import of_session, signal_main_thread, threads_of_session

sys.path.insert(0, str(ARTICLE))

import subinterpreters
import waiting

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

HAS_GIL = getattr(sys, "_is_gil_enabled", lambda: True)()
# PYTHONPATH would bring the package into the run that must do without it.
ENVIRONMENT = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "PG"))}
OPTIONS = ["--iterations=1_000", "--scale=0", "--database=company.sqlite3"]

every_program = pytest.mark.parametrize("program", PRINTS)


class Done(NamedTuple):
    code: object
    output: str
    errors: str


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Callable[..., Done]:
    """Runs a program as a script, but in this process."""

    def run(program: str, *arguments: str) -> Done:
        monkeypatch.setattr(sys, "argv", [script_of(program), *arguments])
        code: object = 0
        try:
            runpy.run_path(script_of(program), run_name="__main__")
        except SystemExit as end:
            code = end.code
        return Done(code, *capsys.readouterr())

    return run


def run_plain(*arguments: str, folder: Path | None = None) -> str:
    """What it prints; it must end well, and complain of nothing."""
    done = subprocess.run(
        [sys.executable, *arguments], capture_output=True, text=True, check=False, cwd=folder, env=ENVIRONMENT
    )
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


@pytest.mark.contract
@every_program
def test_a_program_prints_its_lines_and_needs_nothing_but_a_plain_python(program: str, tmp_path: Path) -> None:
    plain = [] if program == "count_native" else ["-S"]
    began = time.monotonic()
    output = run_plain(*plain, script_of(program), *OPTIONS, folder=tmp_path)
    took_s = time.monotonic() - began
    assert output.endswith("\n")
    require_lines(program, output[:-1].split("\n"), platform.python_version(), has_gil=HAS_GIL, within_s=took_s)


def test_the_native_program_says_what_it_lacks_without_the_package() -> None:
    done = subprocess.run(
        [sys.executable, "-S", script_of("count_native")], capture_output=True, text=True, check=False, env=ENVIRONMENT
    )
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("count_native.py: ")
    assert " has no gilscope package: " in done.stderr
    assert done.stderr.count("\n") == 1


def test_each_of_two_threads_says_its_lines_in_their_order(run) -> None:
    output = run("add_sub_threads", "--scale=0").output
    of_add = ["Inside add function\n\n", "Waiting for 20 seconds in add\n\n", "Addition value: 55\n"]
    of_sub = ["Inside sub function\n\n", "Subtraction Value -5:\n", "Waiting for 10 seconds in sub\n\n"]
    for parts in (of_add, of_sub):
        places = [output.index(part) for part in parts]
        assert places == sorted(places)
    assert output.endswith("Complete\n")


@pytest.mark.parametrize("iterations", ["0", "1"])
@pytest.mark.parametrize("program", ["count_sequential", "count_native"])
def test_few_iterations_are_counted_too(run, program: str, iterations: str) -> None:
    done = run(program, "--iterations", iterations)
    assert (done.code, done.errors) == (0, "")
    assert "Time taken" in done.output


@pytest.mark.parametrize("start_method", ["fork", "spawn", "forkserver"])
def test_processes_can_be_started_in_every_way(start_method: str, tmp_path: Path) -> None:
    programs = ["add_sub_processes", "tasks_processes", "count_processes"]
    script = tmp_path / "start.py"  # spawn imports it
    script.write_text(
        "import multiprocessing, runpy, sys\n"
        f"sys.path[0] = {str(ARTICLE)!r}\n"
        "if __name__ == '__main__':\n"
        f"    multiprocessing.set_start_method({start_method!r})\n"
        "    for script in sys.argv[1:4]:\n"
        f"        sys.argv[:] = [script, *{OPTIONS!r}]\n"
        "        try:\n"
        "            runpy.run_path(script, run_name='__main__')\n"
        "        except SystemExit as end:\n"
        "            assert not end.code, end.code\n"
    )
    lines = run_plain(str(script), *map(script_of, programs)).splitlines()
    for program in programs:
        mine, lines = lines[: len(PRINTS[program])], lines[len(PRINTS[program]) :]
        require_lines(program, mine, platform.python_version(), has_gil=HAS_GIL, within_s=PATIENCE_S)
    assert lines == []


def test_what_goes_wrong_in_a_process_is_printed_and_not_raised(capsys: pytest.CaptureFixture[str]) -> None:
    program = importlib.import_module("add_sub_processes")
    program.add("x", 1)
    assert "can only concatenate str" in capsys.readouterr().out
    program.sub("x", 1)
    assert "unsupported operand type(s) for -" in capsys.readouterr().out


def test_what_raises_in_a_subinterpreter_is_told() -> None:
    with pytest.raises(subinterpreters.ExecutionError, match="No module named 'no_such_module'"):
        subinterpreters.execute("import no_such_module")
    subinterpreters.execute("pass")  # and the next one works


@every_program
def test_a_bad_option_of_any_program_is_a_usage_error(run, program: str) -> None:
    done = run(program, "--scale", "soon")
    assert (done.code, done.output) == (2, "")
    assert done.errors.startswith(f"usage: {program}.py ")
    assert done.errors.splitlines()[-1] == f"{program}.py: error: argument --scale: invalid factor value: 'soon'"


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        (["--iterations", "many"], "argument --iterations: invalid whole_number value: 'many'"),
        (["--iterations", "1.5"], "argument --iterations: invalid whole_number value: '1.5'"),
        (["--iterations", "-1"], "argument --iterations: must not be negative: -1"),
        (["--iterations"], "argument --iterations: expected one argument"),
        (["--scale", "nan"], "argument --scale: must be finite, and not negative: nan"),
        (["--scale", "-2"], "argument --scale: must be finite, and not negative: -2"),
        (["--iter", "5"], "unrecognized arguments: --iter 5"),
        (["5"], "unrecognized arguments: 5"),
        # More than 64 bits can sum.
        (["--iterations", "6074001001"], "argument --iterations: must be at most 6074001000 here: 6074001001"),
    ],
    ids=" ".join,
)
def test_each_bad_option_is_named(run, arguments: list[str], error: str) -> None:
    done = run("count_native", *arguments)
    assert done.code == 2
    assert done.errors.splitlines()[-1] == f"count_native.py: error: {error}"


@every_program
def test_help_tells_the_default(run, program: str) -> None:
    done = run(program, "--help")
    assert done.code == 0
    assert f"(default: {2_000_000_000 if program == 'count_native' else 100_000_000})" in " ".join(done.output.split())


@pytest.mark.parametrize(
    ("function", "returns", "sleeps"),
    [
        ("add_sub_sequential:add", 55, []),
        ("add_sub_sequential:sub", -5, []),
        ("add_sub_processes:add", None, [10]),
        ("add_sub_processes:sub", None, [20]),
        ("add_sub_threads:add", 55, [20]),
        ("add_sub_threads:sub", -5, [10]),
        ("tasks_threads:task", None, [1]),
        ("tasks_processes:task", None, [1]),
        ("tasks_asyncio:task", None, [1]),
        ("interleave_asyncio:task1", None, [1] * 5),
        ("interleave_asyncio:task2", None, [1] * 5),
        ("count_sequential:count_up", 499500, []),
        ("count_threads:count_down", 499500, []),
        ("count_processes:count_up", 499500, []),
        ("count_subinterpreters:count_down", 499500, []),
        ("count_native:count_held", 499500, []),
        ("count_native:count_released", 499500, []),
    ],
)
def test_a_program_lends_its_functions_which_sleep_the_articles_seconds(
    monkeypatch: pytest.MonkeyPatch, function: str, returns: int | None, sleeps: list[int]
) -> None:
    slept: list[float] = []

    async def sleep(seconds: float) -> None:
        slept.append(seconds)

    monkeypatch.setattr(waiting, "time", SimpleNamespace(sleep=slept.append, perf_counter=time.perf_counter))
    monkeypatch.setattr(asyncio, "sleep", sleep)
    name, _, function = function.partition(":")
    # As compare calls it: the options are what the command line says, whoever's that is.
    monkeypatch.setattr(sys, "argv", ["x", "--iterations=1000", "--scale=0.5", "--unknown", "option"])
    result = getattr(importlib.import_module(name), function)()
    assert (asyncio.run(result) if inspect.iscoroutine(result) else result) == returns
    assert slept == [0.5 * seconds for seconds in sleeps]


def test_a_lent_function_reports_a_bad_option_when_it_is_called(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["x", "--iterations", "x"])
    with pytest.raises(SystemExit) as end:
        importlib.import_module("count_threads").count_up()
    assert end.value.code == 2
    assert "invalid whole_number value: 'x'" in capsys.readouterr().err


def wait_until_asleep(session: int) -> None:
    """Until all threads of its processes wait for something: one that is still in a print keeps stdout at its end."""
    deadline = time.monotonic() + PATIENCE_S
    while (wait := threads_of_session(session)) and not all(wait.values()):
        if time.monotonic() > deadline:
            os.killpg(session, signal.SIGKILL)
            pytest.fail(f"not all of them wait: {wait}")


@pytest.mark.parametrize(
    ("program", "said"),
    [
        ("add_sub_processes", ADD_SUB),
        ("add_sub_threads", ["Waiting for 20 seconds in add", "Waiting for 10 seconds in sub"]),
        ("tasks_threads", TASKS[:2]),
        ("tasks_processes", TASKS[:2]),
        ("tasks_asyncio", TASKS[:2]),
        ("interleave_asyncio", ["Task 1 - Iteration 0", "Task 2 - Iteration 0"]),
    ],
)
def test_a_program_waits_for_two_at_once_and_ctrl_c_ends_it_as_it_ends_any(program: str, said: list[str]) -> None:
    process = start([sys.executable, script_of(program), "--scale=1000"], env=ENVIRONMENT)
    assert process.stdout is not None
    left = {line.partition(" N ")[0] for line in said}
    while left:
        line = process.stdout.readline()
        assert line, process.communicate(timeout=PATIENCE_S)
        left = {beginning for beginning in left if not line.startswith(beginning)}
    # The lines may come while it still starts its children: an interrupt then is multiprocessing's to survive, and
    # 3.11's does not. And between its line and its sleep a child could be interrupted in vain.
    wait_until_asleep(process.pid)
    for pid in of_session(process.pid):
        with suppress(OSError):  # the one before may have ended it
            signal_main_thread(pid, signal.SIGINT)
    output, errors = process.communicate(timeout=PATIENCE_S)
    assert output.strip() == ""
    assert process.returncode == -signal.SIGINT
    assert errors.rstrip().endswith("KeyboardInterrupt")
