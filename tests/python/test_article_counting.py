"""The article's counting programs, as plain scripts of the Python that runs the tests."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ARTICLE = Path(__file__).resolve().parents[2] / "python" / "article"
PROGRAMS = ["sequential", "threads", "processes", "subinterpreters", "native"]
SECONDS = r"\d+\.\d+(e-\d+)? seconds"

every_program = pytest.mark.parametrize("program", PROGRAMS)


def run(*arguments: str, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    # PYTHONPATH would bring the package into the run that must do without it.
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    return subprocess.run(
        [sys.executable, *arguments], capture_output=True, text=True, check=False, cwd=cwd, env=environment
    )


def script(program: str) -> str:
    return str(ARTICLE / f"count_{program}.py")


def expected_output(program: str) -> str:
    if program == "native":
        lines = rf"Time taken with the GIL held: {SECONDS}\nTime taken with the GIL released: {SECONDS}\n"
        if getattr(sys, "_is_gil_enabled", lambda: True)():
            return lines
        return lines + r"This Python runs without a GIL: .*\n"
    lines = rf"Time taken: {SECONDS}\n"
    if program == "subinterpreters" and sys.version_info < (3, 12):
        return lines + r"The sub-interpreters of Python 3\.11\.\d+\S* share one GIL\.\n"
    return lines


@every_program
@pytest.mark.parametrize("iterations", ["0", "1", "1000", "1_000"])
def test_a_program_prints_how_long_it_took(program: str, iterations: str, tmp_path: Path) -> None:
    done = run(script(program), "--iterations", iterations, cwd=tmp_path)
    assert done.stderr == ""
    assert re.fullmatch(expected_output(program), done.stdout)
    assert done.returncode == 0


@every_program
def test_the_options_of_all_programs_suit_every_program(program: str) -> None:
    done = run(script(program), "--iterations=10", "--scale=0.5")
    assert (done.returncode, done.stderr) == (0, "")


@every_program
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
    ],
    ids=" ".join,
)
def test_a_bad_option_is_a_usage_error(program: str, arguments: list[str], error: str) -> None:
    done = run(script(program), *arguments)
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.startswith(f"usage: count_{program}.py ")
    assert done.stderr.splitlines()[-1] == f"count_{program}.py: error: {error}"


def test_more_iterations_than_64_bits_can_sum_are_a_usage_error() -> None:
    done = run(script("native"), "--iterations", "6074001001")
    assert done.returncode == 2
    assert done.stderr.splitlines()[-1].endswith("must be at most 6074001000 here: 6074001001")


@every_program
def test_help_tells_the_default(program: str) -> None:
    done = run(script(program), "--help")
    assert done.returncode == 0
    assert ("2000000000" if program == "native" else "100000000") in done.stdout


def test_the_native_program_says_what_it_lacks_without_the_package() -> None:
    done = run("-S", script("native"))
    assert done.returncode == 1
    assert done.stdout == ""
    assert re.fullmatch(r"count_native\.py: .* has no gilscope package: .*\n", done.stderr)


def call_as_compare_does(program: str, function: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    file = script(program)
    return run(
        "-c",
        f"""
import importlib, sys
sys.argv = {[file, *arguments]!r}
sys.path[0] = {str(ARTICLE)!r}
print(importlib.import_module({Path(file).stem!r}).{function}())
""",
    )


@pytest.mark.parametrize("program", [name for name in PROGRAMS if name != "native"])
@pytest.mark.parametrize("function", ["count_up", "count_down"])
def test_a_program_lends_functions_that_read_the_command_line(program: str, function: str) -> None:
    done = call_as_compare_does(program, function, "--iterations", "1000")
    assert (done.stdout, done.stderr) == ("499500\n", "")


@pytest.mark.parametrize("function", ["count_held", "count_released"])
def test_the_native_program_lends_its_functions_too(function: str) -> None:
    done = call_as_compare_does("native", function, "--iterations", "1000", "--unknown", "option")
    assert (done.stdout, done.stderr) == ("499500\n", "")


def test_a_lent_function_reports_a_bad_option_when_it_is_called() -> None:
    done = call_as_compare_does("threads", "count_up", "--iterations", "x")
    assert done.returncode == 2
    assert "invalid whole_number value: 'x'" in done.stderr


@pytest.mark.parametrize("start_method", ["fork", "spawn", "forkserver"])
def test_processes_can_be_started_in_every_way(start_method: str) -> None:
    file = script("processes")
    done = run(
        "-c",
        f"""
import multiprocessing, runpy, sys
sys.argv = [{file!r}, "--iterations", "10"]
sys.path[0] = {str(ARTICLE)!r}
if __name__ == "__main__":
    multiprocessing.set_start_method({start_method!r})
    runpy.run_path({file!r}, run_name="__main__")
""",
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert re.fullmatch(expected_output("processes"), done.stdout)


def test_what_raises_in_a_subinterpreter_is_told() -> None:
    done = run(
        "-c",
        f"""
import sys
sys.path[0] = {str(ARTICLE)!r}
import subinterpreters
try:
    subinterpreters.execute("import no_such_module")
except subinterpreters.ExecutionError as error:
    print(error)
subinterpreters.execute("pass")  # and the next one works
""",
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert "No module named 'no_such_module'" in done.stdout


def test_the_programs_need_nothing_but_a_plain_python() -> None:
    for program in PROGRAMS:
        if program != "native":
            done = run("-S", script(program), "--iterations", "10")
            assert (done.returncode, done.stderr) == (0, "")
