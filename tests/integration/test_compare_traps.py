"""The traps of CPython that `gilscope compare` runs into: each test would fail without what the host does about it."""

import json
import signal
import subprocess

import pytest
from tests.integration.tasks import task


@pytest.fixture
def trial(host, run):
    """Runs one trial, and returns its exit code and its record (None where it gave none)."""

    def trial(function, mode="subinterpreters", *options):
        result = run([host, "trial", "--mode", mode, *options, task(function)])
        return result, json.loads(result.stdout) if result.stdout else None

    return trial


@pytest.mark.parametrize("function", ["import_ssl_first", "call_by_keyword"])
@pytest.mark.parametrize("workers", ["2", "4"])
def test_isolated_interpreters_import_what_corrupted_3_12_and_3_13(trial, function, workers):
    result, record = trial(function, "subinterpreters", "--workers", workers)
    assert result.returncode == 0, result.stderr
    assert record["failure"] is None
    assert len(set(record["digests"])) == 1


def test_modules_that_silently_became_slow_are_named(trial, host_version):
    _, record = trial("import_ssl_first")
    is_affected = host_version[:2] == (3, 12)
    assert record["slow_modules"] == (["datetime", "decimal"] if is_affected else [])


def test_many_interpreters_are_created_at_once_without_deadlock(trial):
    result, record = trial("count", "subinterpreters", "--workers", "16")
    assert result.returncode == 0, result.stderr
    assert len(record["jobs"]) == 16


def test_sys_exit_in_a_subinterpreter_does_not_end_the_host(trial):
    result, record = trial("exit_with_code")
    assert result.returncode == 0
    assert record["failure"]["message"] == "SystemExit: 7"
    assert trial("exit_well")[1]["failure"] is None


def test_a_subinterpreter_has_the_scripts_folder_first_on_its_path(trial):
    digests = {mode: trial("where", mode)[1]["digests"] for mode in ("sequential", "subinterpreters")}
    assert digests["sequential"] == digests["subinterpreters"]


def test_a_fork_in_an_isolated_interpreter_is_refused_and_hangs_nothing(trial, host_version):
    if host_version < (3, 12):
        pytest.skip("3.11 has no isolated interpreters: it forks")
    _, record = trial("fork")
    assert "fork not supported" in record["failure"]["message"]


def test_a_daemon_thread_in_an_isolated_interpreter_is_refused(trial, host_version):
    if host_version < (3, 12):
        pytest.skip("3.11 has no isolated interpreters: it allows them")
    _, record = trial("start_daemon_thread")
    assert "daemon threads" in record["failure"]["message"]


def test_a_module_that_refuses_subinterpreters_is_a_failure_with_its_reason(trial, host_version, free_threaded):
    if host_version < (3, 12):
        pytest.skip("3.11's sub-interpreters share the GIL: modules need not agree")
    # One worker: 3.12.1 crashes more often than not when two isolated interpreters try it at once.
    result, record = trial("import_what_refuses_subinterpreters", "subinterpreters", "--workers", "1")
    assert result.returncode == 0
    assert "does not support loading in subinterpreters" in record["failure"]["message"]


def test_the_cpu_time_of_forkserver_workers_is_seen(host, run):
    command = [host, "trial", "--mode", "processes", "--start-method", "forkserver", task("count")]
    record = json.loads(run(command).stdout)
    for job in record["jobs"]:
        assert job["cpu_end_ns"] - job["cpu_begin_ns"] > 1_000_000, "the loop alone takes several milliseconds"


def test_ctrl_c_ends_a_trial_whose_work_is_in_subinterpreters(host, tmp_path):
    ready = tmp_path / "ready"
    file = tmp_path / "slow.py"
    file.write_text(f"def f():\n    open({str(ready)!r}, 'w').close()\n    while True: pass\n")
    process = subprocess.Popen([host, "trial", "--mode", "subinterpreters", f"{file}:f"])
    while not ready.exists():
        assert process.poll() is None
    process.send_signal(signal.SIGINT)
    assert process.wait(30) == -signal.SIGINT
