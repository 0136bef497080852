"""The article's programs that wait, as plain scripts of the Python that runs the tests."""

import os
import sqlite3
import sys
from pathlib import Path

import pytest
from tests.article_database import CompanyPrograms, PostgresqlPrograms
from tests.article_programs import Programs, WaitingPrograms

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "python" / "article"))

import company_sqlite


@pytest.fixture
def programs(tmp_path: Path) -> Programs:
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "PG"))}
    return Programs([sys.executable], environment, tmp_path)


class TestWaitingPrograms(WaitingPrograms):
    pass


class TestCompanyPrograms(CompanyPrograms):
    pass


class TestPostgresqlPrograms(PostgresqlPrograms):
    pass


def test_a_database_that_another_process_fills_between_two_questions_is_ours(tmp_path: Path, monkeypatch) -> None:
    file = str(tmp_path / "company.sqlite3")
    fill = ["CREATE TABLE t (a)"]
    others = sqlite3.connect(file, isolation_level=None)

    class Interleaved(sqlite3.Connection):
        questions = 0

        def execute(self, sql, *arguments):
            answer = super().execute(sql, *arguments)
            row = answer.fetchone()
            Interleaved.questions += 1
            if Interleaved.questions == 1:
                company_sqlite._fill(others, file, fill)
            return super().execute("SELECT ?", row) if row else answer

    monkeypatch.setattr(
        sqlite3, "connect", lambda file, **options: Interleaved(file, **{**options, "isolation_level": None})
    )
    company_sqlite.prepare(file, fill)
    assert Interleaved.questions == 2
    others.close()
