"""`gilscope compare`, driven as its users drive it: what alone shows that every mode runs tasks as Python does.

Each comparison is looked at from all sides: exit code, JSON, table. What is made of the records of trials, verdicts
and intervals above all, is tested on records written by hand: tests/unit/analysis and tests/unit/report.
"""

import json
import re

import pytest
from tests.integration.tasks import MODES, PROGRAMS, task
from tests.programs.tasks import IN_THE_LOOP, WAIT_NS, WORK_NS

any_host = pytest.mark.any_host
contract = pytest.mark.contract


@contract
def test_every_mode_runs_every_kind_of_task_and_gives_the_same_results(compare, host_version, free_threaded):
    functions = ("count", "where", "which_binary", "unordered", "exit_well", "print_much", "wait")
    tasks = [*map(task, functions), "platform:python_version", PROGRAMS / "script.py"]
    compared = compare("--workers", 2, *tasks, "--", "--option", "value")
    rows = compared.rows
    assert compared.reasons == dict.fromkeys(MODES)
    assert {row["results_equal"] for row in rows.values()} == {True}
    assert all(row["work_ns"]["median"] > 0 and row["setup_ns"]["median"] > 0 for row in rows.values())
    assert (compared.code, compared.document["workers"]) == (0, 2)
    assert len(compared.document["tasks"]) == len(tasks)

    own = "own" if host_version >= (3, 12) else "shared"
    gils = dict(zip(MODES, ["shared", "shared", own, "own", "shared"], strict=True))
    assert {mode: row["gil"] for mode, row in rows.items()} == (dict.fromkeys(MODES, "none") if free_threaded else gils)
    assert {row["gil_figures"] is None for row in rows.values()} == {free_threaded}
    for mode, row in rows.items():
        time = row["worker_time"]
        assert (time is None) == (mode in {"sequential", "asyncio"}), mode
        if time is not None:
            whole = time.pop("whole_ns")
            assert all(time[part] is not None for part in ("gil_wait_ns", "lock_wait_ns", "stopped_ns"))
            assert sum(part or 0 for part in time.values()) == pytest.approx(whole, abs=len(time)), "rounding"

    lines = compared.text.splitlines()
    assert "\x1b" not in compared.text + compared.errors
    assert max(map(len, lines)) <= 100
    header = next(number for number, line in enumerate(lines) if line.startswith("mode "))
    assert [line.split()[0] for line in lines[header + 1 : header + 6]] == MODES


@contract
@any_host
def test_time_at_work_is_told_from_time_of_waiting(compare, free_threaded):
    compared = compare(task("work_then_wait"))
    rows = compared.rows
    assert all(row["cpu_ns"] >= 2 * WORK_NS for row in rows.values())
    for row in (rows["sequential"], rows["asyncio"]):  # of two waits; one may be what the clocks differ
        assert row["work_ns"]["median"] >= row["cpu_ns"] + WAIT_NS
        assert row["concurrency"] <= 1
        assert row["parallelism"] == pytest.approx(row["cpu_ns"] / row["work_ns"]["median"], abs=0.01)
    if free_threaded:
        return
    figures = {mode: row["gil_figures"] for mode, row in rows.items()}
    # 1 %: the GIL's times are by the clock of the probe.
    assert all(gil["hold_ns"] > 0.99 * 2 * WORK_NS for gil in figures.values())
    for mode in ("sequential", "asyncio"):
        assert figures[mode]["hold_ns"] * (1 / figures[mode]["hold_share"] - 1) > WAIT_NS
    for mode in ("sequential", "processes", "asyncio"):
        assert (figures[mode]["waits"], figures[mode]["forced"], figures[mode]["handoffs"]) == (0, 0, 0)
    assert compared.document["verdict"]["ceiling"] == pytest.approx(1 / figures["sequential"]["hold_share"], rel=0.01)


@contract
@any_host
def test_tasks_of_threads_interpreters_and_processes_run_at_once(compare, host_version, free_threaded, tmp_path):
    # In 3.11 an interpreter asks no other one for the GIL that they share: the first would wait for ever.
    modes = ["threads", "processes"] + ["subinterpreters"] * (host_version >= (3, 12))
    (tmp_path / "arrived").write_bytes(bytes(2 * len(modes)))
    compared = compare("--modes", ",".join(modes), task("meet"), "--", tmp_path)
    assert compared.reasons == dict.fromkeys(modes)
    assert all(row["concurrency"] >= 1 for row in compared.rows.values())
    if free_threaded:
        return
    for mode, row in compared.rows.items():
        figures = row["gil_figures"]
        # Whoever came first kept the GIL until the other one had it, where they share it.
        assert [figures[name] > 0 for name in ("forced", "waits", "handoffs")] == [mode == "threads"] * 3, mode


@any_host
def test_asyncio_interleaves_as_many_tasks_as_there_are_workers(compare):
    compared = compare("-v", "--modes", "asyncio", "--workers", IN_THE_LOOP, task("meet_in_a_loop"))
    assert compared.reasons == {"asyncio": None}
    assert compared.rows["asyncio"]["concurrency"] >= 1
    assert re.search(rf"runs: .* trial --mode asyncio --workers {IN_THE_LOOP} ", compared.errors)


@any_host
def test_five_rounds_give_intervals_and_a_verdict(compare):
    tasks = map(task, ("work_then_wait", "unordered"))
    compared = compare("--modes", "threads,sequential", *tasks, rounds=5)
    assert list(compared.rows) == ["sequential", "threads"]
    assert (compared.code, compared.document["rounds_done"]) == (0, 5)
    for row in compared.rows.values():
        work = row["work_ns"]
        assert len(work["samples"]) == 5
        assert work["low"] <= work["median"] <= work["high"]
        assert row["results_equal"] is True
    assert compared.document["verdict"]["kind"] in {"one_wins", "none_wins", "starved"}
    assert compared.document["verdict"]["text"] in " ".join(compared.text.split())


@contract
@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
def test_processes_are_started_as_asked(compare, method):
    tasks = map(task, ("which_binary", "work_then_wait"))
    compared = compare("--modes", "sequential,processes", "--start-method", method, *tasks)
    row = compared.rows["processes"]
    assert row["start_method"] == method
    assert row["results_equal"] is True, "the workers' program is the host too"
    assert row["cpu_ns"] >= WORK_NS, "the workers' CPU time is seen, whoever's children they are"
    assert compared.code == 0


@any_host
def test_a_task_may_use_processes_of_its_own(compare):
    compared = compare("--modes", "threads,processes", task("use_multiprocessing"))
    assert compared.reasons == {"threads": None, "processes": None}


@any_host
def test_what_not_every_mode_can_do_gives_honest_rows_and_results_that_differ_are_told(compare):
    compared = compare(task("only_in_main_thread"))
    assert {mode: (row["status"], row["results_equal"]) for mode, row in compared.rows.items()} == {
        "sequential": ("ok", True),
        "threads": ("failed", None),
        "subinterpreters": ("failed", None),
        "processes": ("ok", False),
        "asyncio": ("ok", False),
    }
    assert "main thread" in compared.reasons["threads"]
    assert compared.code == 1


@any_host
def test_what_cannot_be_pickled_or_was_not_traced_is_unknown_and_no_failure(compare):
    compared = compare("--no-probe", task("unpicklable"))
    assert {(row["results_equal"], row["gil_figures"]) for row in compared.rows.values()} == {(None, None)}
    assert compared.reasons == dict.fromkeys(MODES)
    assert compared.document["verdict"]["ceiling"] is None
    assert "the GIL" not in compared.text
    assert compared.code == 0


@any_host
def test_a_task_that_raises_is_a_row_with_its_traceback(compare):
    compared = compare(task("raise_error"))
    for row in compared.rows.values():
        assert (row["status"], row["reason"]) == ("failed", "ValueError: no good\x1b[2J\x07")
        assert 'tasks.py", line' in row["traceback"]
        assert "_gilscope" not in row["traceback"]
    assert compared.text.count("Traceback") == 1, "the same traceback of five modes is shown once"
    assert "no good" in compared.text
    assert "\x1b" not in compared.text + compared.errors
    assert compared.code == 1


@any_host
def test_sys_exit_ends_a_task_and_no_more(compare):
    compared = compare(task("exit_with_code"))
    assert compared.reasons == dict.fromkeys(MODES, "SystemExit: 7")
    assert compared.code == 1


@any_host
@pytest.mark.parametrize(("function", "reason"), [("leave_process", "exit code 3"), ("crash", "SIGSEGV")])
def test_a_task_that_ends_its_process_is_a_row_that_says_where(compare, function, reason):
    compared = compare("--modes", "sequential,subinterpreters,processes", task(function))
    for mode, row in compared.rows.items():
        assert row["status"] == "failed"
        assert reason in row["reason"], mode
    crash = compared.rows["sequential"]["traceback"]
    assert bool(re.search(r'tasks\.py", line \d+ in crash', crash)) == (function == "crash")
    assert compared.code == 1


@any_host
def test_a_task_that_hangs_is_timed_out_and_nothing_of_it_survives(compare, tmp_path):
    hangs = tmp_path / "hangs"
    compared = compare("--modes", "sequential", "--timeout", "0.7", task("hang"), "--", hangs)
    row = compared.rows["sequential"]
    assert (row["status"], row["reason"]) == ("timeout", "ran longer than 0.7 s")
    # Where the machine is that slow, Python had not begun.
    assert "in hang" in row["traceback"] or not hangs.exists()
    assert compare("--modes", "processes", "--timeout", "0.7", task("hang"), "--", hangs).code == compared.code == 1


@any_host
def test_json_on_standard_output_is_all_that_is_printed_there(host, run):
    result = run([host, "compare", task("count"), "--rounds", "1", "--modes", "sequential", "--json", "-"])
    assert json.loads(result.stdout)["schema"] == "gilscope.compare/1"
