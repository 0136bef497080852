"""What the article's programs that wait must do, whichever Python runs them: a test module says which.

It inherits from the class here (and those of article_database.py), and has a fixture `programs`.
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from tests.processes import threads_of_session

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

ARTICLE = Path(__file__).resolve().parents[1] / "python" / "article"
NAMES = [
    "add_sub_sequential",
    "add_sub_processes",
    "add_sub_threads",
    "tasks_threads",
    "tasks_processes",
    "tasks_asyncio",
    "interleave_asyncio",
    "employees_projects",
]
FUNCTIONS = [
    "add_sub_sequential:add",
    "add_sub_sequential:sub",
    "add_sub_processes:add",
    "add_sub_processes:sub",
    "add_sub_threads:add",
    "add_sub_threads:sub",
    "tasks_threads:task",
    "tasks_processes:task",
    "tasks_asyncio:task",
    "interleave_asyncio:task1",
    "interleave_asyncio:task2",
    "employees_projects:get_employees",
    "employees_projects:get_active_projects",
    "employees_projects:get_employees_async",
    "employees_projects:get_active_projects_async",
]
PATIENCE_S = 60
# A busy machine makes a run longer, never shorter: one that was short enough shows that it can be.
ATTEMPTS = 5

every_program = pytest.mark.parametrize("name", NAMES)
every_way_to_start = pytest.mark.parametrize("start_method", ["fork", "spawn", "forkserver"])


@dataclass
class Programs:
    """Runs programs by a command that takes what `python` takes."""

    python: list[str]
    environment: Mapping[str, str]
    folder: Path  # where the programs run, and keep their database
    env: dict[str, str] = field(default_factory=dict)

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [*self.python, *arguments],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd=self.folder,
            env={**self.environment, "XDG_CACHE_HOME": str(self.folder / "cache"), **self.env},
            start_new_session=True,
        )

    def start_program(self, name: str, *arguments: str) -> subprocess.Popen[str]:
        return self.start(str(ARTICLE / f"{name}.py"), *arguments)

    def run(self, name: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        return finish(self.start_program(name, *arguments))

    def run_code(self, code: str, name: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Code that finds this program's modules, and its options in sys.argv."""
        argv = [str(ARTICLE / f"{name}.py"), *arguments]
        return finish(self.start("-c", f"import sys\nsys.argv, sys.path[0] = {argv!r}, {str(ARTICLE)!r}\n{code}"))

    def run_well(self, name: str, *arguments: str) -> str:
        done = self.run(name, *arguments)
        assert (done.returncode, done.stderr) == (0, "")
        return done.stdout


def finish(process: subprocess.Popen[str]) -> subprocess.CompletedProcess[str]:
    try:
        output, errors = process.communicate(timeout=PATIENCE_S)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        output, errors = process.communicate()
        pytest.fail(f"{process.args!r} never ends; it said:\n{output}\n{errors}")
    return subprocess.CompletedProcess(process.args, process.returncode, output, errors)


def read_line(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline()


def assert_takes(measure: Callable[[], float], least: float, less_than: float) -> None:
    """Each time it takes as long as the longest wait; at best, not as long as all of them."""
    times: list[float] = []
    while len(times) < ATTEMPTS:
        times.append(measure())
        assert times[-1] >= least
        if times[-1] < less_than:
            return
    pytest.fail(f"not once under {less_than} s: {times}")


def assert_waits(programs: Programs, name: str, scale: float, least: float, less_than: float) -> None:
    """From the first line of the program on, without its start; the least, from its very start."""

    def measure() -> float:
        started = time.monotonic()
        process = programs.start_program(name, "--scale", str(scale))
        assert read_line(process)
        began = time.monotonic()
        assert finish(process).returncode == 0
        ended = time.monotonic()
        assert ended - started >= least
        return max(ended - began, least)  # the first line may have been long in coming to us

    assert_takes(measure, least, less_than)


def seconds_of(output: str, what: str = "Time taken") -> float:
    found = re.search(rf"(?m)^{what}: (\S+) seconds$", output)
    assert found, output
    return float(found[1])


class WaitingPrograms:
    def test_the_sequential_one_adds_then_subtracts(self, programs: Programs) -> None:
        assert programs.run_well("add_sub_sequential") == "Addition value:  55\nSubtraction Value:  -5\n"

    def test_the_processes_add_and_subtract_in_any_order(self, programs: Programs) -> None:
        lines = programs.run_well("add_sub_processes", "--scale=0").splitlines()
        assert sorted(lines) == ["Addition value:  55", "Subtraction Value:  -5"]

    def test_the_processes_wait_at_once(self, programs: Programs) -> None:
        assert_waits(programs, "add_sub_processes", 0.1, least=2, less_than=3)

    def test_what_goes_wrong_in_a_process_is_printed_and_not_raised(self, programs: Programs) -> None:
        code = "import add_sub_processes as program\nprogram.add('x', 1)\nprogram.sub('x', 1)"
        done = programs.run_code(code, "add_sub_processes")
        assert (done.returncode, done.stderr) == (0, "")
        assert "can only concatenate str" in done.stdout
        assert "unsupported operand type(s) for -" in done.stdout

    @every_way_to_start
    @pytest.mark.parametrize("name", ["add_sub_processes", "tasks_processes"])
    def test_processes_can_be_started_in_every_way(self, programs: Programs, name: str, start_method: str) -> None:
        script = programs.folder / "start.py"  # spawn imports it
        script.write_text(
            f"import multiprocessing, runpy, sys\nsys.path[0] = {str(ARTICLE)!r}\nif __name__ == '__main__':\n"
            f"    multiprocessing.set_start_method({start_method!r})\n"
            f"    runpy.run_path({str(ARTICLE / f'{name}.py')!r}, run_name='__main__')\n"
        )
        done = finish(programs.start(str(script), "--scale=0"))
        assert (done.returncode, done.stderr) == (0, "")
        assert len(done.stdout.splitlines()) == (2 if name == "add_sub_processes" else 5)

    @pytest.mark.parametrize("scale", ["0", "0.01"])
    def test_the_threads_say_the_articles_lines(self, programs: Programs, scale: str) -> None:
        output = programs.run_well("add_sub_threads", "--scale", scale)
        of_add = ["Inside add function\n\n", "Waiting for 20 seconds in add\n\n", "Addition value: 55\n"]
        of_sub = ["Inside sub function\n\n", "Subtraction Value -5:\n", "Waiting for 10 seconds in sub\n\n"]
        for parts in (of_add, of_sub):
            places = [output.index(part) for part in parts]
            assert places == sorted(places)
        assert output.endswith("Complete\n")
        assert len(output) == len("".join([*of_add, *of_sub, "Complete\n"]))
        if scale != "0":
            assert output.endswith("\nAddition value: 55\nComplete\n")

    def test_the_threads_wait_at_once(self, programs: Programs) -> None:
        assert_waits(programs, "add_sub_threads", 0.1, least=2, less_than=3)

    @pytest.mark.parametrize("name", ["tasks_threads", "tasks_processes", "tasks_asyncio"])
    def test_two_tasks_say_when_they_run_and_run_at_once(self, programs: Programs, name: str) -> None:
        scale = 1.0

        def measure() -> float:
            output = programs.run_well(name, "--scale", str(scale))
            whens = re.findall(r"(?m)^Task ([12]) (starts|ends) after (\d+\.\d{3}) seconds$", output)
            assert len(whens) == 4
            assert len(output.splitlines()) == 5
            when = {(task, what): float(seconds) for task, what, seconds in whens}
            for task in "12":
                assert when[task, "ends"] - when[task, "starts"] >= 0.99 * scale
            return seconds_of(output.splitlines()[-1])

        assert_takes(measure, scale, less_than=2 * scale)

    @pytest.mark.parametrize("scale", ["0", "0.05"])
    def test_asyncio_tasks_strictly_alternate(self, programs: Programs, scale: str) -> None:
        lines = programs.run_well("interleave_asyncio", "--scale", scale).splitlines()
        assert lines == [f"Task {task} - Iteration {iteration}" for iteration in range(5) for task in (1, 2)]

    def test_asyncio_tasks_pause_at_once(self, programs: Programs) -> None:
        assert_waits(programs, "interleave_asyncio", 0.3, least=1.5, less_than=3)

    @every_program
    def test_the_options_of_all_programs_suit_every_program(self, programs: Programs, name: str) -> None:
        file = str(programs.folder / "company.sqlite3")
        assert programs.run_well(name, "--iterations=10", "--scale=0", "--database", file)

    @every_program
    def test_a_bad_option_is_a_usage_error(self, programs: Programs, name: str) -> None:
        done = programs.run(name, "--scale", "soon")
        assert (done.returncode, done.stdout) == (2, "")
        assert done.stderr.startswith(f"usage: {name}.py ")
        assert done.stderr.splitlines()[-1] == f"{name}.py: error: argument --scale: invalid factor value: 'soon'"

    @pytest.mark.parametrize("function", FUNCTIONS)
    def test_a_program_lends_its_functions(self, programs: Programs, function: str) -> None:
        name, _, function = function.partition(":")
        code = f"import asyncio, {name}\nresult = {name}.{function}()\n"
        code += "asyncio.run(result) if asyncio.iscoroutine(result) else None"
        done = programs.run_code(code, name, "--scale=0", "--unknown", "option")
        assert (done.returncode, done.stderr) == (0, "")

    @pytest.mark.parametrize("name", NAMES[1:])  # the first one never waits
    def test_ctrl_c_ends_a_program_as_it_ends_any(self, programs: Programs, name: str) -> None:
        arguments = ["--scale=1000"]
        if name == "employees_projects":  # says nothing before its first answers; these are in the cache already
            programs.run_well(name, "--scale=0")
            file = programs.folder / "cache" / "gilscope" / "company.sqlite3"
            process = programs.start_program(name, *arguments)
            wait_until_open(process.pid, file)
        else:
            process = programs.start_program(name, *arguments)
            # When all of them wait.
            for _ in range({"add_sub_threads": 7, "interleave_asyncio": 2}.get(name, 2)):
                assert read_line(process)
            # The lines may come while it still starts its children: an interrupt then is multiprocessing's to survive,
            # and 3.11's does not. And between its line and its sleep a child could be interrupted in vain.
            wait_until_asleep(process.pid)
        os.killpg(process.pid, signal.SIGINT)
        done = finish(process)
        assert done.returncode == -signal.SIGINT
        assert done.stderr.rstrip().endswith("KeyboardInterrupt")


def wait_until_asleep(session: int) -> None:
    """Until all threads of its processes wait for something: one that is still in a print keeps stdout at its end."""
    deadline = time.monotonic() + PATIENCE_S
    while (states := threads_of_session(session)) and set(states.values()) != {"S"}:
        if time.monotonic() > deadline:
            os.killpg(session, signal.SIGKILL)
            pytest.fail(f"not all of them wait: {states}")


def wait_until_open(pid: int, file: Path) -> None:
    """Until this process has opened the file, and so is past its imports."""
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline:
        for descriptor in Path(f"/proc/{pid}/fd").iterdir():
            try:
                if descriptor.readlink() == file:
                    return
            except OSError:
                continue
    pytest.fail(f"{pid} never opened {file}")
