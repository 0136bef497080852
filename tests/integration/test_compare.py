"""`gilscope compare`, driven as its users drive it: every mode, honest rows, the table."""

import re

import pytest
from tests.integration.tasks import PROGRAMS, task

SCRIPT = PROGRAMS / "script.py"
MODES = ["sequential", "threads", "subinterpreters", "processes", "asyncio"]


def by_mode(document):
    """The rows by the name of their mode."""
    return {row["mode"]: row for row in document["modes"]}


def test_every_mode_runs_a_function_and_gives_the_same_result(compare):
    code, document = compare(task("count"))
    rows = by_mode(document)
    assert list(rows) == MODES
    assert {name: row["reason"] for name, row in rows.items()} == dict.fromkeys(MODES)
    assert all(row["results_equal"] is True for row in rows.values())
    assert all(row["work_ns"]["median"] > 0 and row["setup_ns"]["median"] > 0 for row in rows.values())
    assert code == 0


def test_the_gil_of_each_mode_is_what_this_python_has(compare, host_version, free_threaded):
    rows = by_mode(compare(task("count"))[1])
    own = "own" if host_version >= (3, 12) else "shared"
    expected = dict(zip(MODES, ["shared", "shared", own, "own", "shared"], strict=True))
    if free_threaded:
        expected = dict.fromkeys(MODES, "none")
    assert {name: row["gil"] for name, row in rows.items()} == expected


@pytest.mark.alone
def test_the_gil_is_traced_in_every_mode(compare, host_version, free_threaded):
    if free_threaded:
        pytest.skip("there is no GIL")
    _, document = compare(task("count_long"))
    figures = {mode: row["gil_figures"] for mode, row in by_mode(document).items()}
    assert figures["sequential"]["hold_share"] > 0.8
    assert figures["sequential"]["waits"] == 0
    assert figures["threads"]["waits"] > 0
    assert figures["threads"]["forced"] > 0
    assert figures["threads"]["handoffs"] > 0
    assert figures["processes"]["waits"] == 0
    assert figures["asyncio"]["forced"] == 0
    assert (figures["subinterpreters"]["forced"] == 0) == (host_version >= (3, 12))
    assert 1 <= document["verdict"]["ceiling"] < 1.25


def test_without_the_probe_nothing_is_said_of_the_gil(compare, host, run):
    _, document = compare(task("count"), "--no-probe")
    assert [row["gil_figures"] for row in document["modes"]] == [None] * 5
    assert document["verdict"]["ceiling"] is None
    result = run([host, "compare", task("count"), "--rounds", "1", "--no-probe"])
    assert "the GIL" not in result.stdout


def test_five_rounds_give_intervals_and_a_verdict(compare):
    code, document = compare(task("count"), rounds=5)
    assert code == 0
    assert document["rounds_done"] == 5
    for row in document["modes"]:
        work = row["work_ns"]
        assert len(work["samples"]) == 5
        assert work["low"] <= work["median"] <= work["high"]
    assert document["verdict"]["kind"] in {"one_wins", "several_win", "none_wins"}


def test_fewer_rounds_give_no_interval_and_no_verdict(compare):
    _, document = compare(task("count"), "--modes", "sequential,threads", rounds=4)
    assert document["verdict"]["kind"] == "too_few_rounds"
    assert {row["work_ns"]["low"] for row in document["modes"]} == {None}


def test_work_too_short_to_measure_gets_no_verdict(compare):
    _, document = compare(task("process_id"), "--modes", "sequential,threads", rounds=5)
    assert document["verdict"]["kind"] == "too_short"


@pytest.mark.alone
def test_waiting_tasks_overlap_in_every_concurrent_mode_and_use_no_cpu(compare, host_version):
    rows = by_mode(compare(task("wait"))[1])
    assert rows["sequential"]["concurrency"] == pytest.approx(1, abs=0.2)
    # 3.11's _asyncio keeps the running loop by thread-state id, and these repeat between its sub-interpreters: it may
    # take another one's loop for its own ("Cannot run the event loop while another loop is running").
    concurrent = [mode for mode in MODES[1:] if mode != "subinterpreters" or host_version >= (3, 12)]
    for mode in concurrent:
        assert rows[mode]["concurrency"] > 1.2, mode
        assert rows[mode]["parallelism"] < 0.5, mode


def test_asyncio_interleaves_as_many_tasks_as_there_are_workers(compare):
    rows = by_mode(compare(task("meet"), "--modes", "asyncio", "--workers", 8)[1])
    assert rows["asyncio"]["concurrency"] > 4


def test_several_tasks_run_once_each_on_fewer_workers(compare):
    code, document = compare(*[task("count")] * 3, "--workers", 2)
    assert (code, document["workers"]) == (0, 2)
    assert len(document["tasks"]) == 3


def test_more_workers_than_tasks_are_said_to_be_idle(host, run):
    result = run(
        [
            host,
            "compare",
            task("count"),
            task("count"),
            "--workers",
            "9",
            "--rounds",
            "1",
            "--modes",
            "threads",
        ]
    )
    assert "2 tasks keep 2 workers busy" in result.stderr


def test_a_whole_script_runs_as_main_in_every_mode(compare):
    code, document = compare(SCRIPT, "--", "--option", "value")
    assert [row["reason"] for row in document["modes"]] == [None] * 5
    assert code == 0


def test_a_function_of_a_module_is_found_on_the_path(compare):
    code, document = compare("platform:python_version")
    assert [row["reason"] for row in document["modes"]] == [None] * 5
    assert code == 0


@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
def test_processes_are_started_as_asked(compare, method, host):
    code, document = compare(task("which_binary"), "--modes", "sequential,processes", "--start-method", method)
    rows = by_mode(document)
    assert rows["processes"]["start_method"] == method
    # Equal results: the workers' program is the host too.
    assert rows["processes"]["results_equal"] is True
    assert code == 0


def test_a_tasks_argv_and_path_are_the_same_in_every_mode(compare):
    _, document = compare(task("where"), "--", "a", "b")
    assert all(row["results_equal"] for row in document["modes"])


def test_results_that_differ_are_told_and_end_with_1(compare):
    code, document = compare(task("process_id"))
    rows = by_mode(document)
    assert rows["sequential"]["results_equal"] is True
    assert rows["processes"]["results_equal"] is False
    assert code == 1


def test_results_that_cannot_be_pickled_are_unknown_and_no_failure(compare):
    code, document = compare(task("unpicklable"))
    assert {row["results_equal"] for row in document["modes"]} == {None}
    assert code == 0


def test_the_order_of_a_set_is_no_difference(compare):
    code, document = compare(task("unordered"), rounds=2)
    assert all(row["results_equal"] for row in document["modes"])
    assert code == 0


def test_a_task_may_use_processes_of_its_own(compare):
    rows = by_mode(compare(task("use_multiprocessing"), "--modes", "sequential,threads")[1])
    assert [row["reason"] for row in rows.values()] == [None, None]


def test_a_task_that_raises_is_a_row_with_its_traceback(compare, host, run):
    code, document = compare(task("raise_error"))
    for row in document["modes"]:
        assert (row["status"], row["reason"]) == ("failed", "ValueError: no good")
        assert 'tasks.py", line' in row["traceback"]
        assert "_gilscope" not in row["traceback"]
    assert code == 1
    table = run([host, "compare", task("raise_error"), "--rounds", "1"]).stdout
    assert table.count("Traceback") == 1, "the same traceback of five modes is shown once"


def test_what_a_task_raises_cannot_steer_the_terminal(host, run):
    result = run([host, "compare", task("raise_escape_sequence"), "--rounds", "1", "--modes", "sequential"])
    assert "\x1b" not in result.stdout + result.stderr
    assert "cleared" in result.stdout


@pytest.mark.parametrize(
    ("function", "reason"),
    [
        ("exit_with_code", "SystemExit: 7"),
        ("leave_process", "exit code 3"),
        ("crash", "SIGSEGV"),
    ],
)
def test_a_task_that_ends_its_interpreter_is_a_row(compare, function, reason):
    code, document = compare(task(function))
    for row in document["modes"]:
        assert row["status"] == "failed"
        assert reason in row["reason"], row["mode"]
    assert code == 1


def test_a_crash_says_where_it_happened(compare):
    rows = by_mode(compare(task("crash"), "--modes", "sequential")[1])
    assert re.search(r'tasks\.py", line \d+ in crash', rows["sequential"]["traceback"])


def test_sys_exit_0_is_a_tasks_good_end(compare):
    code, document = compare(task("exit_well"))
    assert [row["reason"] for row in document["modes"]] == [None] * 5
    assert code == 0


def test_a_task_that_hangs_is_timed_out_and_nothing_of_it_survives(compare, no_leftovers):
    code, document = compare(task("hang"), "--timeout", "1.5", env=no_leftovers)
    for row in document["modes"]:
        assert row["status"] == "timeout"
        assert "1.5 s" in row["reason"]
    assert "in hang" in by_mode(document)["sequential"]["traceback"]
    assert code == 1


def test_a_task_may_print_100_megabytes(compare):
    code, document = compare(task("print_much"), "--modes", "sequential,threads")
    assert [row["reason"] for row in document["modes"]] == [None, None]
    assert code == 0


def test_what_no_mode_likes_gives_honest_rows(compare):
    rows = by_mode(compare(task("only_in_main_thread"))[1])
    assert {name: row["status"] for name, row in rows.items()} == {
        "sequential": "ok",
        "threads": "failed",
        "subinterpreters": "failed",
        "processes": "ok",
        "asyncio": "ok",
    }
    assert "main thread" in rows["threads"]["reason"]


def test_without_a_sequential_mode_there_is_no_speed_up(compare):
    code, document = compare(task("count"), "--modes", "threads,processes", rounds=5)
    assert [row["speedup"] for row in document["modes"]] == [None, None]
    assert document["verdict"]["kind"] == "no_baseline"
    assert code == 0


def test_the_table_fits_100_columns_and_has_no_colour_when_piped(host, run):
    result = run([host, "compare", task("count"), "--rounds", "5"])
    assert result.returncode == 0
    lines = result.stdout.splitlines()
    assert max(map(len, lines)) <= 100
    assert "\x1b" not in result.stdout + result.stderr
    header = next(number for number, line in enumerate(lines) if line.startswith("mode "))
    assert [line.split()[0] for line in lines[header + 1 : header + 6]] == MODES


def test_help_shows_an_example_first(host, run):
    text = run([host, "compare", "--help"]).stdout
    assert 0 < text.index("Example:") < text.index("Usage:") < text.index("--rounds N")


def test_verbose_says_which_trials_are_run(host, run):
    errors = run([host, "compare", task("count"), "--rounds", "1", "--modes", "threads", "-v"]).stderr
    assert re.search(r"runs: .* trial --mode threads --workers 2 ", errors)
