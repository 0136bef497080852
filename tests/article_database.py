"""What employees_projects.py must do with SQLite and with a real PostgreSQL server, whichever Python runs it."""

from __future__ import annotations

import os
import re
import signal
import socket
import sqlite3
import subprocess
from typing import TYPE_CHECKING

import pytest
from tests.article_programs import ARTICLE, ATTEMPTS, finish, seconds_of

if TYPE_CHECKING:
    from tests.article_programs import Programs
    from tests.postgresql_server import Server

ROWS = """\
Employees:
  1 Amara Nwosu, engineer
  2 Bruno Keller, designer
  3 Chiara Rinaldi, engineer
  4 Dmitri Volkov, accountant
  5 Elif Aydin, manager
Active projects:
  1 Web shop, Chiara Rinaldi
  3 Warehouse robots, Amara Nwosu
  5 New logo, Bruno Keller
"""
WAYS = ["one after the other", "in two threads", "with asyncio"]
QUERY_S = 2.0


def assert_one_clear_error(done: subprocess.CompletedProcess[str], reason: str) -> None:
    assert re.fullmatch(rf"employees_projects\.py: .*{reason}.* \(try: .+\)\n", done.stderr)
    assert done.returncode == 1


class CompanyPrograms:
    def test_sqlite_answers_the_rows_in_every_way(self, programs: Programs) -> None:
        lines = programs.run_well("employees_projects", "--scale=0.01").splitlines(keepends=True)
        assert "".join(lines[:-3]) == ROWS
        for line, way in zip(lines[-3:], WAYS, strict=True):
            seconds_of(line, f"Time taken {way}")

    def test_sqlite_answers_two_at_once(self, programs: Programs) -> None:
        assert_answers_two_at_once(programs)

    def test_the_file_is_made_once_and_then_left_alone(self, programs: Programs) -> None:
        programs.run_well("employees_projects", "--scale=0")
        (file,) = (path for path in programs.folder.rglob("*") if path.is_file())
        assert file == programs.folder / "cache" / "gilscope" / "company.sqlite3"
        content, changed = file.read_bytes(), file.stat().st_mtime_ns
        assert programs.run_well("employees_projects", "--scale=0").startswith(ROWS)
        assert (file.read_bytes(), file.stat().st_mtime_ns) == (content, changed)

    def test_a_database_may_be_any_file(self, programs: Programs) -> None:
        assert programs.run_well("employees_projects", "--scale=0", "--database", "odd 'name' é").startswith(ROWS)
        assert (programs.folder / "odd 'name' é").is_file()
        assert not (programs.folder / "cache").exists()

    def test_those_that_start_at_once_make_one_database(self, programs: Programs) -> None:
        assert_starting_at_once_is_safe(programs)

    def test_a_filled_database_may_be_one_that_cannot_be_written(self, programs: Programs) -> None:
        programs.run_well("employees_projects", "--scale=0", "--database=file")
        (programs.folder / "file").chmod(0o400)
        assert programs.run_well("employees_projects", "--scale=0", "--database=file").startswith(ROWS)

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
            ("postgresql://no.such.host.invalid/name", "cannot connect to PostgreSQL: .*"),
        ],
    )
    def test_a_bad_database_is_one_clear_error(self, programs: Programs, database: str, reason: str) -> None:
        if database.lower().startswith("postgres"):
            pytest.importorskip("psycopg", exc_type=ImportError)
        (programs.folder / "text").write_text("no database, but long enough to have the header of one\n" * 10)
        with sqlite3.connect(programs.folder / "foreign") as connection:
            connection.execute("CREATE TABLE employees (salary)")
        connection.close()
        before = (programs.folder / "foreign").read_bytes()
        done = programs.run("employees_projects", "--scale=0", "--database", database)
        assert done.stdout == ""
        assert_one_clear_error(done, reason)
        assert (programs.folder / "foreign").read_bytes() == before

    def test_a_cache_that_cannot_be_is_one_clear_error(self, programs: Programs) -> None:
        (programs.folder / "cache").write_text("no folder")
        done = programs.run("employees_projects", "--scale=0")
        assert_one_clear_error(done, "no folder for the database")

    def test_a_server_that_is_not_there_is_one_clear_error(self, programs: Programs) -> None:
        pytest.importorskip("psycopg", exc_type=ImportError)
        with socket.socket() as bound:  # and does not listen
            bound.bind(("127.0.0.1", 0))
            url = f"postgresql://127.0.0.1:{bound.getsockname()[1]}/name"
            done = programs.run("employees_projects", "--scale=0", "--database", url)
        assert done.stdout == ""
        assert_one_clear_error(done, "Connection refused")

    def test_a_missing_driver_is_one_clear_error(self, programs: Programs) -> None:
        (programs.folder / "psycopg.py").write_text("raise ImportError('no pq wrapper\\navailable')")
        programs.env["PYTHONPATH"] = str(programs.folder)
        done = programs.run("employees_projects", "--scale=0", "--database=postgresql://127.0.0.1/name")
        assert done.stdout == ""
        assert_one_clear_error(done, "needs psycopg 3, .*: no pq wrapper available")
        assert "pip install 'psycopg[binary]'" in done.stderr

    def test_sqlite_needs_no_driver(self, programs: Programs) -> None:
        (programs.folder / "psycopg.py").write_text("raise ImportError")
        programs.env["PYTHONPATH"] = str(programs.folder)
        assert programs.run_well("employees_projects", "--scale=0").startswith(ROWS)


def assert_answers_two_at_once(programs: Programs, *arguments: str) -> None:
    scale = 0.5
    one = scale * QUERY_S
    programs.run_well("employees_projects", "--scale=0", *arguments)  # makes the database
    shortest = dict.fromkeys(WAYS, float("inf"))
    for _ in range(ATTEMPTS):
        output = programs.run_well("employees_projects", "--scale", str(scale), *arguments)
        for way in WAYS:
            seconds = seconds_of(output, f"Time taken {way}")
            assert seconds >= 0.99 * one * (2 if way == WAYS[0] else 1)
            shortest[way] = min(shortest[way], seconds)
        if shortest[WAYS[0]] < 3 * one and max(shortest[way] for way in WAYS[1:]) < 2 * one:
            return
    pytest.fail(f"not what {2 * one}, {one} and {one} seconds look like: {shortest}")


def assert_starting_at_once_is_safe(programs: Programs, *arguments: str) -> None:
    processes = [programs.start_program("employees_projects", "--scale=0", *arguments) for _ in range(6)]
    for done in [finish(process) for process in processes]:
        assert (done.returncode, done.stderr) == (0, "")
        assert done.stdout.startswith(ROWS)


class PostgresqlPrograms:
    @pytest.fixture
    def server(self, postgresql_server: Server) -> Server:
        """Runs, whatever the test before has done to it, and knows nothing of the company."""
        postgresql_server.start()
        postgresql_server.execute("DROP SCHEMA IF EXISTS gilscope_company CASCADE")
        return postgresql_server

    def test_postgresql_answers_the_rows_that_sqlite_does(self, programs: Programs, server: Server) -> None:
        assert programs.run_well("employees_projects", "--scale=0.01", "--database", server.url).startswith(ROWS)

    def test_postgresql_answers_two_at_once(self, programs: Programs, server: Server) -> None:
        assert_answers_two_at_once(programs, "--database", server.url)

    def test_those_that_start_at_once_fill_it_once(self, programs: Programs, server: Server) -> None:
        assert_starting_at_once_is_safe(programs, "--database", server.url)

    def test_other_tables_of_these_names_are_left_alone(self, programs: Programs, server: Server) -> None:
        server.execute("CREATE TABLE IF NOT EXISTS employees (salary int)")
        assert programs.run_well("employees_projects", "--scale=0", "--database", server.url).startswith(ROWS)

    @pytest.mark.parametrize(
        ("way", "queries"), [("sequentially", 1), ("in_threads", 2), ("with_asyncio", 2)], ids=lambda value: str(value)
    )
    def test_a_server_that_goes_away_in_the_middle_is_one_clear_error(
        self, programs: Programs, server: Server, way: str, queries: int
    ) -> None:
        # As the program does it, but in this way first.
        code = (
            "import employees_projects as program\nfrom company_error import DatabaseError\n"
            f"try:\n    program.ask_{way}()\n"
            "except DatabaseError as error:\n    sys.exit(f'employees_projects.py: {error}')"
        )
        argv = ["employees_projects.py", "--scale=1000", "--database", server.url]
        process = programs.start("-c", f"import sys\nsys.argv, sys.path[0] = {argv!r}, {str(ARTICLE)!r}\n{code}")
        server.wait_for_sleepers(queries, process)
        server.stop("immediate")
        assert_one_clear_error(finish(process), "PostgreSQL did not answer: ")

    def test_the_program_itself_says_so_too(self, programs: Programs, server: Server) -> None:
        process = programs.start_program("employees_projects", "--scale=1000", "--database", server.url)
        server.wait_for_sleepers(1, process)
        server.stop("immediate")
        done = finish(process)
        assert done.stdout == ""
        assert_one_clear_error(done, "PostgreSQL did not answer: ")

    def test_a_user_who_may_not_fill_it_is_one_clear_error(self, programs: Programs, server: Server) -> None:
        server.execute("DROP ROLE IF EXISTS guest")
        server.execute("CREATE ROLE guest LOGIN")
        url = server.url.replace("tester@", "guest@")
        done = programs.run("employees_projects", "--scale=0", "--database", url)
        assert_one_clear_error(done, "permission denied")

    def test_a_database_that_is_not_there_is_one_clear_error(self, programs: Programs, server: Server) -> None:
        url = server.url.replace("/postgres", "/no_such")
        done = programs.run("employees_projects", "--scale=0", "--database", url)
        assert_one_clear_error(done, 'database "no_such" does not exist')

    def test_ctrl_c_ends_a_query(self, programs: Programs, server: Server) -> None:
        process = programs.start_program("employees_projects", "--scale=1000", "--database", server.url)
        server.wait_for_sleepers(1, process)
        os.killpg(process.pid, signal.SIGINT)
        done = finish(process)
        assert done.returncode == -signal.SIGINT
        assert done.stderr.rstrip().endswith("KeyboardInterrupt")
        server.wait_for_sleepers(0)
