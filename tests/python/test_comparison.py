"""gilscope.compare() and gilscope.ceiling(), as somebody calls them from Python."""

import dataclasses
import functools
import json
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from tests.python import comparison_tasks

import gilscope

needs_gil = pytest.mark.skipif(
    not getattr(sys, "_is_gil_enabled", lambda: True)(), reason="free-threaded: there is no GIL"
)


@pytest.fixture(scope="module")
def comparison() -> gilscope.Comparison:
    return gilscope.compare(comparison_tasks.work, modes=["sequential", "threads"], rounds=2)


def test_a_comparison_has_the_figures_of_each_mode(comparison):
    assert [mode.mode for mode in comparison.modes] == ["sequential", "threads"]
    assert {mode.status for mode in comparison.modes} == {"ok"}
    assert comparison.tasks == ["tests.python.comparison_tasks:work"]
    assert (comparison.workers, comparison.rounds, comparison.rounds_done) == (2, 2, 2)
    sequential = comparison.modes[0]
    assert sequential.work_ns.median > 0
    assert len(sequential.work_ns.samples) == 2
    assert sequential.work_ns.low is None  # below 5 rounds
    assert sequential.speedup.median == 1
    assert all(mode.results_equal for mode in comparison.modes)
    assert comparison.python["executable"] == sys.executable
    assert comparison.python["linkage"] == "stock"


def test_its_dict_and_its_json_are_what_the_schema_says(comparison):
    schema = Path(__file__).parents[2] / "docs" / "schemas" / "compare.schema.json"
    Draft202012Validator(json.loads(schema.read_text())).validate(comparison.to_dict())
    assert json.loads(comparison.to_json()) == comparison.to_dict()


def test_its_text_is_the_command_lines_table(comparison):
    assert "sequential" in str(comparison)
    assert comparison.verdict.text in " ".join(str(comparison).split())


def test_rows_are_the_samples(comparison):
    rows = comparison.rows()
    assert [(row["mode"], row["round"]) for row in rows] == [
        ("sequential", 1),
        ("sequential", 2),
        ("threads", 1),
        ("threads", 2),
    ]
    assert [row["work_ns"] for row in rows[:2]] == comparison.modes[0].work_ns.samples


def test_its_html_is_a_table_and_escapes_names(comparison, tmp_path):
    html = comparison._repr_html_()
    assert html.count("<tr>") == 3
    script = tmp_path / "<b>.py"
    script.write_text("def work():\n    pass\n")
    assert "<b>" not in gilscope.compare(f"{script}:work", modes=["sequential"], rounds=1)._repr_html_()


@needs_gil
def test_the_gil_is_traced_unless_that_is_not_wanted(comparison):
    assert comparison.modes[0].gil_figures.holds > 0
    untraced = gilscope.compare(comparison_tasks.work, modes="sequential", rounds=1, probe=False)
    assert untraced.modes[0].gil_figures is None


def test_where_the_workers_time_went_adds_up(comparison):
    sequential, threads = comparison.modes
    assert sequential.worker_time is None
    whole, *parts = dataclasses.astuple(threads.worker_time)
    assert sum(part or 0 for part in parts) == pytest.approx(whole, abs=len(parts)), "rounding"


def test_pyperf_reads_what_is_written_for_it(comparison, tmp_path):
    pytest.importorskip("pyperf")
    file = tmp_path / "before.json"
    comparison.to_pyperf(file)
    with pytest.raises(FileExistsError):
        comparison.to_pyperf(file)
    comparison.to_pyperf(tmp_path / "after.json")
    pyperf = [sys.executable, "-m", "pyperf"]
    compared = subprocess.run(
        [*pyperf, "compare_to", str(file), str(tmp_path / "after.json"), "--table"], capture_output=True, text=True
    )
    assert compared.returncode == 0, compared.stderr
    assert "Benchmark hidden because not significant (2): sequential, threads" in compared.stdout
    shown = subprocess.run([*pyperf, "dump", str(file)], capture_output=True, text=True, check=True).stdout
    assert shown.count("- value 1:") == 4, shown


def test_tasks_may_be_static_methods_or_texts_and_get_arguments(tmp_path):
    script = tmp_path / "app.py"
    script.write_text("import sys\n\ndef count():\n    return sys.argv[1:]\n")
    tasks = (comparison_tasks.Worker.work, f"{script}:count", script)
    made = gilscope.compare(*tasks, modes=["sequential"], rounds=1, arguments=["--its", "own"])
    assert [mode.status for mode in made.modes] == ["ok"]
    assert made.tasks == ["tests.python.comparison_tasks:Worker.work", f"{script}:count", str(script)]
    assert made.command[-3:] == ["--", "--its", "own"]


def test_a_result_that_cannot_be_pickled_is_compared_with_nothing():
    made = gilscope.compare(comparison_tasks.make_lock, modes=["sequential"], rounds=1)
    assert [(mode.status, mode.results_equal) for mode in made.modes] == [("ok", None)]


def test_a_task_that_raises_is_a_row_with_its_reason():
    made = gilscope.compare(comparison_tasks.fail, modes=["sequential", "threads"], rounds=1)
    assert {mode.status for mode in made.modes} == {"failed"}
    assert "ValueError: no work today" in str(made.modes[0].reason)
    with pytest.raises(gilscope.Error, match="no mode was measured"):
        made.to_pyperf("nowhere.json")


def test_what_other_processes_cannot_import_is_refused_with_what_to_do():
    def local() -> None:
        pass

    unnamed: list[tuple[Callable[[], object], str]] = [
        (lambda: 1, "a lambda has no name"),
        (local, "is within another function"),
        (functools.partial(comparison_tasks.work), "has no name of its own"),
        (comparison_tasks.Worker(), "has no name of its own"),
    ]
    for task, words in unnamed:
        with pytest.raises(gilscope.Error, match=words) as raised:
            gilscope.compare(task)
        assert "try: a function at the top level of a module" in str(raised.value)


def test_what_is_no_task_at_all_is_refused():
    with pytest.raises(TypeError, match="needs a task"):
        gilscope.compare()
    with pytest.raises(TypeError, match="not int"):
        gilscope.compare(42)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="is no task"):
        gilscope.compare("--help")
    with pytest.raises(gilscope.Error, match="try: a task is FILE"):
        gilscope.compare("nothing")
    with pytest.raises(gilscope.Error, match=r"needs arguments \(obj\)"):
        gilscope.compare(json.dumps)  # type: ignore[arg-type]
    with pytest.raises(gilscope.Error, match="no function 'nothing'"):
        gilscope.compare("tests.python.comparison_tasks:nothing")


def test_wrong_options_are_refused_in_the_command_lines_words():
    wrong: list[tuple[dict[str, Any], str]] = [
        ({"modes": ["fibres"]}, "fibres"),
        ({"rounds": 0}, "--rounds"),
        ({"workers": 0}, "--workers"),
        ({"timeout": -1}, "--timeout"),
        ({"start_method": "magic"}, "--start-method"),
    ]
    for options, words in wrong:
        with pytest.raises(gilscope.Error, match=words):
            gilscope.compare(comparison_tasks.work, **options)


def test_a_function_of_a_script_is_found_in_its_file(tmp_path):
    script = tmp_path / "app.py"
    script.write_text(
        "import gilscope\n\ndef work():\n    return 1\n\nif __name__ == '__main__':\n"
        "    print(gilscope.compare(work, modes=['sequential'], rounds=1).tasks)\n"
    )
    done = subprocess.run([sys.executable, str(script)], capture_output=True, text=True)
    assert done.stdout == f"['{script}:work']\n", done.stderr


def test_a_function_of_a_prompt_is_refused(tmp_path):
    code = "import gilscope\ndef work(): pass\ngilscope.compare(work)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert "was defined in a notebook or at a prompt" in done.stderr


HELD_NS, RELEASED_NS = 20_000_000, 50_000_000


def hold_then_release() -> None:
    gilscope.hold(HELD_NS)
    gilscope.release(RELEASED_NS)


def measured(task: Callable[[], object]) -> tuple[float, int]:
    """The task's ceiling, and in how many ns both were got: no less than the wall time that the ceiling is of."""
    begin = time.monotonic_ns()
    ceiling = gilscope.ceiling(task)
    assert ceiling is not None
    return ceiling, time.monotonic_ns() - begin


@needs_gil
def test_the_ceiling_is_the_wall_time_by_the_time_of_the_gil():
    # Held and released for that long or longer, whoever else uses the CPU: 1 % is what two clocks may differ.
    ceiling, wall_ns = measured(lambda: gilscope.hold(HELD_NS))
    assert 1 <= ceiling < 1.01 * wall_ns / HELD_NS
    ceiling, wall_ns = measured(hold_then_release)
    assert 0.99 * wall_ns / (wall_ns - RELEASED_NS) < ceiling < 1.01 * wall_ns / HELD_NS


@needs_gil
def test_other_threads_do_not_lower_the_ceiling():
    stop = threading.Event()

    def spin() -> None:
        while not stop.is_set():
            pass

    thread = threading.Thread(target=spin)
    thread.start()
    try:
        ceiling, wall_ns = measured(hold_then_release)
    finally:
        stop.set()
        thread.join()
    assert ceiling > 0.99 * wall_ns / (wall_ns - RELEASED_NS)


def test_the_ceiling_of_no_function_is_refused():
    with pytest.raises(TypeError, match="not int"):
        gilscope.ceiling(42)  # type: ignore[arg-type]


def test_what_the_task_raises_comes_through():
    with pytest.raises(ValueError, match="no work today"):
        gilscope.ceiling(comparison_tasks.fail)


@pytest.mark.skipif(getattr(sys, "_is_gil_enabled", lambda: True)(), reason="there is a GIL")
def test_without_a_gil_there_is_no_ceiling():
    ran = []
    assert gilscope.ceiling(lambda: ran.append(1)) is None
    assert ran == [1]
