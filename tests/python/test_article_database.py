"""employees_projects.py with SQLite and with a real PostgreSQL server: its rows, two queries at once, clear errors.

Only here is the company's database filled by those that start at once, refused, and lost in the middle of a query.
"""

from __future__ import annotations

import asyncio
import importlib
import os
import re
import runpy
import signal
import socket
import sqlite3
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from tests.article_programs import ARTICLE, PATIENCE_S, ROWS, script_of, start

sys.path.insert(0, str(ARTICLE))

import company
import company_sqlite
import employees_projects

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.postgresql_server import Server

WAYS = ["one after the other", "in two threads", "with asyncio"]
AT_ONCE = 6  # that many start at once


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the program runs, and keeps its database."""
    for name in os.environ:
        if name.startswith("PG"):
            monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple[object, str]]:
    """Runs the program in this process; returns what it ends with, and what it has printed."""

    def run(*arguments: str) -> tuple[object, str]:
        monkeypatch.setattr(sys, "argv", [script_of("employees_projects"), "--scale=0", *arguments])
        end: object = None
        try:
            runpy.run_path(script_of("employees_projects"), run_name="__main__")
        except SystemExit as exit_:
            end = exit_.code
        output, errors = capsys.readouterr()
        assert errors == ""
        return end, output

    return run


@pytest.fixture
def require_rows(run) -> Callable[..., None]:
    def require_rows(*arguments: str) -> None:
        end, output = run(*arguments)
        assert end is None
        lines = output.splitlines()
        assert lines[: len(ROWS)] == ROWS
        assert [line.partition(":")[0] for line in lines[len(ROWS) :]] == [f"Time taken {way}" for way in WAYS]

    return require_rows


@pytest.fixture
def require_error(run) -> Callable[..., None]:
    def require_error(reason: str, *arguments: str, advice: str = ".+") -> None:
        end, output = run(*arguments)
        assert output == ""
        assert_one_clear_error(str(end), reason, advice)

    return require_error


def assert_one_clear_error(text: str, reason: str, advice: str = ".+") -> None:
    assert re.fullmatch(rf"employees_projects\.py: .*{reason}.* \(try: {advice}\)", text)


def assert_filled_once_by_those_that_start_at_once(monkeypatch: pytest.MonkeyPatch, database: str) -> None:
    monkeypatch.setattr(sys, "argv", ["x", "--scale=0", "--database", database])
    barrier = threading.Barrier(AT_ONCE, timeout=PATIENCE_S)

    def ask(_: int) -> list[list[company.Row]]:
        barrier.wait()
        company.prepare()
        return employees_projects.ask_sequentially()

    with ThreadPoolExecutor(AT_ONCE) as pool:
        for employees, projects in pool.map(ask, range(AT_ONCE)):
            assert (len(employees), len(projects)) == (5, 3)


def test_the_file_is_made_once_and_then_left_alone(require_rows, folder: Path) -> None:
    require_rows()
    (file,) = (path for path in folder.rglob("*") if path.is_file())
    assert file == folder / "cache" / "gilscope" / "company.sqlite3"
    content, changed = file.read_bytes(), file.stat().st_mtime_ns
    require_rows()
    assert (file.read_bytes(), file.stat().st_mtime_ns) == (content, changed)


def test_a_database_may_be_any_file_and_one_that_cannot_be_written(require_rows, folder: Path) -> None:
    file = folder / "odd 'name' é"
    require_rows("--database", file.name)
    assert list(folder.iterdir()) == [file]
    file.chmod(0o400)
    require_rows("--database", file.name)


def test_those_that_start_at_once_make_one_file(monkeypatch: pytest.MonkeyPatch) -> None:
    assert_filled_once_by_those_that_start_at_once(monkeypatch, "file")


def test_two_queries_are_asked_at_once_in_threads_and_with_asyncio_and_else_in_turn(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    both = threading.Barrier(2, timeout=PATIENCE_S)
    events: list[str] = []

    def meet(query: company.Query) -> list[company.Row]:
        both.wait()
        return [(query.source,)]

    def note(query: company.Query) -> list[company.Row]:
        events.extend(["begins", "ends"])
        return [(query.source,)]

    monkeypatch.setattr(company, "fetch", meet)
    answers = [employees_projects.ask_in_threads(), employees_projects.ask_with_asyncio()]
    monkeypatch.setattr(company, "fetch", note)
    assert answers == 2 * [employees_projects.ask_sequentially()]
    assert events == 2 * ["begins", "ends"]


def test_a_query_in_sqlite_takes_its_time() -> None:
    began = time.monotonic()
    company_sqlite.fetch("file", company.FILL, *company.EMPLOYEES, 0.1)
    assert time.monotonic() - began >= 0.099  # its clock has milliseconds


def test_a_step_of_a_query_in_sqlite_lets_other_threads_run(monkeypatch: pytest.MonkeyPatch) -> None:
    """A step that never ends: if it held the GIL, nobody could interrupt it."""
    endless = company_sqlite.QUERY.replace(str(company_sqlite.STRIDE), str(10**12))
    monkeypatch.setattr(company_sqlite, "QUERY", endless)
    began = threading.Event()
    connections: list[sqlite3.Connection] = []

    class Traced(sqlite3.Connection):
        def __init__(self, *arguments: Any, **options: Any) -> None:
            super().__init__(*arguments, **options)
            connections.append(self)
            self.set_trace_callback(lambda statement: began.set() if "search" in statement else None)

    connect = sqlite3.connect
    monkeypatch.setattr(
        sqlite3, "connect", lambda *arguments, **options: connect(*arguments, factory=Traced, **options)
    )
    with ThreadPoolExecutor(1) as pool:
        asked = pool.submit(company_sqlite.fetch, "file", company.FILL, *company.EMPLOYEES, 1e6)
        assert began.wait(PATIENCE_S)
        while not asked.done():  # an interrupt before the step is none
            with suppress(sqlite3.ProgrammingError):  # it is closed already
                connections[0].interrupt()
        assert "interrupted" in str(asked.exception())


@pytest.mark.parametrize(
    ("database", "reason"),
    [
        ("no/such/folder", "unable to open database file"),
        (".", "unable to open database file"),
        ("text", "file is not a database"),
        ("foreign", "is some other program's database"),
        ("mysql://host/name", "mysql is neither SQLite's nor PostgreSQL's"),
        ("POSTGRES:/host", "cannot connect to PostgreSQL: .*"),
        ("postgresql://127.0.0.1:99999/name", "cannot connect to PostgreSQL: .*invalid port number"),
        ("postgresql://127.0.0.1/name?colour=red", "cannot connect to PostgreSQL: .*colour"),
    ],
)
def test_a_bad_database_is_one_clear_error(require_error, folder: Path, database: str, reason: str) -> None:
    if database.lower().startswith("postgres"):
        pytest.importorskip("psycopg", exc_type=ImportError)
    (folder / "text").write_text("no database, but long enough to have the header of one\n" * 10)
    connection = sqlite3.connect(folder / "foreign")
    connection.execute("CREATE TABLE employees (salary)")
    connection.close()
    before = (folder / "foreign").read_bytes()
    require_error(reason, "--database", database)
    assert (folder / "foreign").read_bytes() == before


def test_a_cache_that_cannot_be_is_one_clear_error(require_error, folder: Path) -> None:
    (folder / "cache").write_text("no folder")
    require_error("no folder for the database")


def test_a_server_that_is_not_there_is_one_clear_error(require_error) -> None:
    pytest.importorskip("psycopg", exc_type=ImportError)
    with socket.socket() as bound:  # and does not listen
        bound.bind(("127.0.0.1", 0))
        require_error("Connection refused", "--database", f"postgresql://127.0.0.1:{bound.getsockname()[1]}/name")


def test_a_missing_driver_is_one_clear_error(require_error, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / "psycopg.py").write_text("raise ImportError('no pq wrapper\\navailable')")
    monkeypatch.syspath_prepend(folder)
    for name in ("psycopg", "company_postgresql"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    why, advice = "needs psycopg 3, .*: no pq wrapper available", r"pip install 'psycopg\[binary\]'"
    require_error(why, "--database=postgres://x", advice=advice)


def test_a_file_that_another_process_fills_between_two_questions_is_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    fill = ["CREATE TABLE t (a)"]
    others = sqlite3.connect("file", isolation_level=None)

    class Interleaved(sqlite3.Connection):
        questions = 0

        def execute(self, sql, *arguments):
            answer = super().execute(sql, *arguments)
            row = answer.fetchone()
            Interleaved.questions += 1
            if Interleaved.questions == 1:
                company_sqlite._fill(others, "file", fill)
            return super().execute("SELECT ?", row) if row else answer

    monkeypatch.setattr(
        sqlite3, "connect", lambda file, **options: Interleaved(file, **{**options, "isolation_level": None})
    )
    company_sqlite.prepare("file", fill)
    assert Interleaved.questions == 2
    others.close()


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


def assert_ctrl_c_ends(process: subprocess.Popen[str]) -> None:
    os.killpg(process.pid, signal.SIGINT)
    output, errors = process.communicate(timeout=PATIENCE_S)
    assert output == ""
    assert process.returncode == -signal.SIGINT
    assert errors.rstrip().endswith("KeyboardInterrupt")


def test_ctrl_c_ends_a_query_in_sqlite(folder: Path) -> None:
    process = start([sys.executable, script_of("employees_projects"), "--scale=1000", "--database=file"])
    wait_until_open(process.pid, folder / "file")
    assert_ctrl_c_ends(process)


@pytest.fixture
def server(postgresql_server: Server) -> Server:
    """Runs, whatever the test before has done to it, and knows nothing of the company."""
    postgresql_server.start()
    postgresql_server.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
        " WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()"
    )
    postgresql_server.execute("DROP SCHEMA IF EXISTS gilscope_company CASCADE")
    return postgresql_server


def test_postgresql_answers_the_rows_that_sqlite_does_and_leaves_tables_of_these_names_alone(
    require_rows, server: Server
) -> None:
    server.execute("CREATE TABLE IF NOT EXISTS employees (salary int)")
    require_rows("--database", server.url)


def test_a_query_in_postgresql_takes_its_time(server: Server) -> None:
    postgresql = importlib.import_module("company_postgresql")
    question = (server.url, company.FILL, *company.EMPLOYEES, 0.05)
    began = time.monotonic()
    postgresql.fetch(*question)
    asyncio.run(postgresql.fetch_async(*question))
    assert time.monotonic() - began >= 2 * 0.05


def test_those_that_start_at_once_fill_it_once(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    assert_filled_once_by_those_that_start_at_once(monkeypatch, server.url)


def test_a_server_that_goes_away_in_the_middle_of_queries_at_once_is_one_clear_error(server: Server) -> None:
    def options_of(name: str) -> list[str]:
        return ["--scale=1000", f"--database={server.url}?application_name={name}"]

    processes = {"program": start([sys.executable, script_of("employees_projects"), *options_of("program")])}
    for way in ("in_threads", "with_asyncio"):  # as the program does it, but in this way first
        code = (
            f"import sys\nsys.argv[1:], sys.path[0] = {options_of(way)!r}, {str(ARTICLE)!r}\n"
            "import employees_projects as program\nfrom company_error import DatabaseError\n"
            f"try:\n    program.ask_{way}()\n"
            "except DatabaseError as error:\n    sys.exit(f'employees_projects.py: {error}')"
        )
        processes[way] = start([sys.executable, "-c", code])
    server.wait_for_sleepers({"program": 1, "in_threads": 2, "with_asyncio": 2}, *processes.values())
    server.stop("immediate")
    for process in processes.values():
        output, errors = process.communicate(timeout=PATIENCE_S)
        assert (process.returncode, output) == (1, "")
        assert_one_clear_error(errors.removesuffix("\n"), "PostgreSQL did not answer: ")


def test_a_user_who_may_not_fill_it_is_one_clear_error(require_error, server: Server) -> None:
    server.execute("DROP ROLE IF EXISTS guest")
    server.execute("CREATE ROLE guest LOGIN")
    require_error("permission denied", "--database", server.url.replace("tester@", "guest@"))


def test_a_database_that_is_not_there_is_one_clear_error(require_error, server: Server) -> None:
    require_error('database "no_such" does not exist', "--database", server.url.replace("/postgres", "/no_such"))


def test_ctrl_c_ends_a_query_in_postgresql(server: Server) -> None:
    url = f"{server.url}?application_name=program"
    process = start([sys.executable, script_of("employees_projects"), "--scale=1000", "--database", url])
    server.wait_for_sleepers({"program": 1}, process)
    assert_ctrl_c_ends(process)
    server.wait_for_sleepers({})
