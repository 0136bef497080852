"""The traps of CPython that `gilscope compare` runs into: each test would fail without what the host does about it."""

import json
import signal

import pytest
from tests.integration.tasks import run_until, task, waiting_task

any_host = pytest.mark.any_host
contract = pytest.mark.contract


@pytest.fixture
def trial(host, run):
    """Runs one trial in sub-interpreters, and returns its record."""

    def trial(function, workers):
        result = run([host, "trial", "--mode", "subinterpreters", "--workers", str(workers), task(function)])
        assert result.returncode == 0, result.stderr
        return json.loads(result.stdout)

    return trial


@contract
@pytest.mark.parametrize("function", ["import_ssl_first", "call_by_keyword"])
def test_isolated_interpreters_import_what_corrupted_3_12_and_3_13(trial, function, host_version):
    record = trial(function, 4)
    assert record["failure"] is None
    assert len(record["digests"]) == 4
    assert len(set(record["digests"])) == 1
    became_slow = function == "import_ssl_first" and host_version[:2] == (3, 12)
    assert record["slow_modules"] == (["datetime", "decimal"] if became_slow else [])


@contract
@any_host
def test_many_interpreters_are_created_at_once_without_deadlock(trial):
    record = trial("count", 8)
    assert record["failure"] is None
    assert len(record["jobs"]) == 8


@contract
@any_host
def test_what_isolated_interpreters_forbid_is_a_failure_with_its_reason(trial, host_version):
    if host_version < (3, 12):
        pytest.skip("3.11 has no isolated interpreters: it forks, has daemon threads, and its modules need not agree")
    # One worker: 3.12.1 crashes more often than not when two isolated interpreters try to load such a module at once.
    said = trial("try_what_is_forbidden", 1)["failure"]["message"]
    for refusal in ("fork not supported", "daemon threads", "does not support loading in subinterpreters"):
        assert refusal in said


@any_host
def test_ctrl_c_ends_a_trial_whose_work_is_in_subinterpreters(host, tmp_path, no_leftovers):
    function, ready = waiting_task(tmp_path)
    ended = run_until(ready, [host, "trial", "--mode", "subinterpreters", function], no_leftovers)
    assert ended.returncode == -signal.SIGINT
