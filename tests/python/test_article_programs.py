"""The article's programs that wait, as plain scripts of the Python that runs the tests."""

import os
import sys
from pathlib import Path

import pytest
from tests.article_database import CompanyPrograms, PostgresqlPrograms
from tests.article_programs import Programs, WaitingPrograms


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
