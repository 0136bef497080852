"""The article's programs under `gilscope run` and `gilscope compare`: what a host could break of them.

That is children that are in the host too, sub-interpreters, a database's driver, and what a terminal's Ctrl-C leaves.
The rest is tested with a plain Python (tests/python), and that each prints the same under a host by test_article.py.
"""

from __future__ import annotations

import json
import os
import re
import signal
from typing import TYPE_CHECKING

import jsonschema
import pytest
from tests.article_programs import (
    ARTICLE,
    PATIENCE_S,
    QUIET_FLAVOURS,
    ROWS,
    exchange_of,
    read_until,
    script_of,
    start,
    write_process_count,
)
from tests.integration.tasks import MODES
from tests.processes import have_gone, segments
from tests.schemas import read_schema

if TYPE_CHECKING:
    import subprocess
    from pathlib import Path

    from tests.integration.conftest import Runner

pytestmark = pytest.mark.any_host

SINCE = {"interpreters.Queue": (3, 13), "os.pipe": (3, 12)}


# One that sleeps, one of asyncio, and one that asks a database.
@pytest.mark.parametrize(
    "functions",
    [
        ["add_sub_threads:add", "add_sub_threads:sub"],
        ["interleave_asyncio:task1", "interleave_asyncio:task2"],
        ["employees_projects:get_employees", "employees_projects:get_active_projects_async"],
    ],
    ids=" ".join,
)
def test_every_mode_compares_the_functions(functions, compare, tmp_path, host_version):
    tasks = [f"{ARTICLE}/{name.replace(':', '.py:')}" for name in functions]
    compared = compare(*tasks, "--", "--scale=0.001", env={"XDG_CACHE_HOME": str(tmp_path)})
    reasons = compared.reasons
    uses_asyncio = any("async" in name for name in functions)
    if host_version < (3, 12) and uses_asyncio and reasons["subinterpreters"] is not None:
        # 3.11's _asyncio keeps one running loop for all interpreters, by a thread's number within its own.
        assert "event loop" in reasons.pop("subinterpreters")
        assert reasons == dict.fromkeys(mode for mode in MODES if mode != "subinterpreters")
        return
    assert reasons == dict.fromkeys(MODES)
    assert compared.code == 0


def test_a_database_server_answers_what_it_answers_python(host, run, environment, postgresql_server):
    postgresql_server.start()
    options = ["--scale=0", "--database", postgresql_server.url]
    done = run([host, "run", "-q", script_of("employees_projects"), *options], env=environment)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines()[: len(ROWS)] == ROWS


def interrupt(process: subprocess.Popen[str]) -> tuple[str, str]:
    """As a terminal does: all of them."""
    os.killpg(process.pid, signal.SIGINT)
    output, errors = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 130
    return output, errors


@pytest.mark.parametrize("start_method", ["fork", "spawn", "forkserver"])
def test_every_way_to_pass_bytes_is_measured(
    host: str, run: Runner, host_version: tuple[int, ...], start_method: str
) -> None:
    options = ["--seconds", "0", "--sizes", "1", "100KiB", "--json", "-", "--start-method", start_method]
    done = run([host, "run", "-q", script_of("exchange"), *options])
    assert (done.returncode, done.stderr) == (0, "")
    document = json.loads(done.stdout)
    jsonschema.validate(document, read_schema("exchange.schema.json"))
    assert len(document["rows"]) == 12
    for row in document["rows"]:
        assert (row["reason"] is None) == (host_version >= SINCE.get(row["way"], (3, 11))), row


@pytest.mark.parametrize("way", ["multiprocessing.Queue", "shared_memory", "queue.Queue", "os.pipe"])
def test_an_interrupt_while_bytes_are_passed_leaves_nothing(
    host: str, no_leftovers: dict[str, str], host_version: tuple[int, ...], way: str
) -> None:
    if host_version < SINCE.get(way, (3, 11)):
        pytest.skip(f"no {way} between the sub-interpreters of this Python")
    before = segments()
    process = start([host, "run", "-q", "-c", exchange_of(way)], env=no_leftovers)
    read_until(process, way)
    _, errors = interrupt(process)
    assert errors == "exchange.py: interrupted\n"
    assert have_gone(segments() - before, PATIENCE_S)


def test_every_start_method_makes_the_processes_that_it_is_known_for(host: str, run: Runner, capture: Path) -> None:
    done = run([host, "run", "-q", "-o", str(capture), script_of("process_count"), "--json", "-"])
    assert (done.returncode, done.stderr) == (0, "")
    document = json.loads(done.stdout)
    jsonschema.validate(document, read_schema("process-count.schema.json"))
    assert {row["method"]: [process["role"] for process in row["processes"]] for row in document["methods"]} == {
        "fork": ["program", "worker", "worker"],
        "spawn": ["program", "worker", "worker", "resource tracker"],
        "forkserver": ["program", "worker", "worker", "fork server", "resource tracker"],
    }


@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
def test_an_interrupt_while_processes_are_counted_leaves_none(
    host: str, no_leftovers: dict[str, str], method: str, tmp_path: Path
) -> None:
    process = start([host, "run", "-q", write_process_count(tmp_path, method)], env=no_leftovers)
    read_until(process, "staying", 2)
    _, errors = interrupt(process)
    assert errors == "process_count.py: interrupted\n"


def test_another_python_is_measured_and_an_interrupt_leaves_none(
    host: str, no_leftovers: dict[str, str], tmp_path: Path
) -> None:
    """A PATH of no interpreter but a PyPy that starts, says so, and does nothing more."""
    os.mkfifo(tmp_path / "started")
    pypy = tmp_path / "pypy3"
    pypy.write_text(f"#!/bin/sh\necho $$ >'{tmp_path}/started'\nexec /bin/sleep 1000\n", encoding="utf-8")
    pypy.chmod(0o755)
    environment = {**no_leftovers, "PATH": str(tmp_path), "HOME": str(tmp_path)}
    process = start([host, "run", "-q", "-c", QUIET_FLAVOURS], env=environment)
    assert int((tmp_path / "started").read_text(encoding="utf-8")) > 1
    output, errors = interrupt(process)
    assert errors.endswith("flavours.py: interrupted\n")
    # The host's own Python was measured before.
    assert re.search(r"(?m)^CPython.* \d+\.\d+ \(", output)
