"""The article's programs that wait, under `gilscope run`, and their functions under `gilscope compare`."""

import json

import pytest
from tests.article_database import CompanyPrograms, PostgresqlPrograms
from tests.article_programs import ARTICLE, Programs, WaitingPrograms

MODES = ["sequential", "threads", "subinterpreters", "processes", "asyncio"]


@pytest.fixture
def programs(host, environment, no_leftovers, tmp_path) -> Programs:
    return Programs([host, "run", "-q"], {**no_leftovers, **environment}, tmp_path)


class TestWaitingPrograms(WaitingPrograms):
    pass


class TestCompanyPrograms(CompanyPrograms):
    pass


class TestPostgresqlPrograms(PostgresqlPrograms):
    pass


@pytest.mark.parametrize(
    "functions",
    [
        ["add_sub_sequential:add", "add_sub_sequential:sub"],
        ["add_sub_processes:add", "add_sub_processes:sub"],
        ["add_sub_threads:add", "add_sub_threads:sub"],
        ["tasks_threads:task"],
        ["tasks_processes:task"],
        ["tasks_asyncio:task"],
        ["interleave_asyncio:task1", "interleave_asyncio:task2"],
        ["employees_projects:get_employees", "employees_projects:get_active_projects"],
        ["employees_projects:get_employees_async", "employees_projects:get_active_projects_async"],
    ],
    ids=" ".join,
)
def test_every_mode_compares_the_functions(functions, compare, tmp_path, host_version):
    tasks = [f"{ARTICLE}/{name.replace(':', '.py:')}" for name in functions]
    code, document = compare(*tasks, "--", "--scale=0.01", env={"XDG_CACHE_HOME": str(tmp_path)})
    reasons = {row["mode"]: row["reason"] for row in document["modes"]}
    uses_asyncio = any("async" in name for name in functions)
    if host_version < (3, 12) and uses_asyncio and reasons["subinterpreters"] is not None:
        # 3.11's _asyncio keeps one running loop for all interpreters, by a thread's number within its own.
        assert "event loop" in reasons.pop("subinterpreters")
        assert reasons == dict.fromkeys(mode for mode in MODES if mode != "subinterpreters")
        return
    assert reasons == dict.fromkeys(MODES)
    assert code == 0


def test_a_query_does_without_the_gil(host, run, tmp_path, free_threaded):
    if free_threaded:
        pytest.skip("this Python has no GIL to do without")
    command = [host, "run", "--json", str(tmp_path / "json"), str(ARTICLE / "employees_projects.py"), "--scale=0.5"]
    done = run(command, env={"XDG_CACHE_HOME": str(tmp_path)})
    assert done.returncode == 0, done.stderr
    (process,) = json.loads((tmp_path / "json").read_text())["processes"]
    threads = {thread["name"]: thread for thread in process["threads"]}
    for name in ("get_employees", "get_active_projects"):
        assert threads[name]["lifetime_ns"] >= 0.99e9
        assert threads[name]["hold_ns"] < 0.1 * threads[name]["lifetime_ns"]
