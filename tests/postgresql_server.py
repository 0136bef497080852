"""A real PostgreSQL server, from Debian's package, of these tests' own: a folder in /tmp, a free port of loopback."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

PATIENCE_S = 60
ATTEMPTS = 5  # somebody else may take the free port before the server does
# Tests lose no data that anybody wants. Without a Unix socket there is no folder for one to find.
OPTIONS = "-c listen_addresses=127.0.0.1 -c unix_socket_directories= -c fsync=off"


def find_programs() -> Path | None:
    """The folder with initdb and the rest, of the newest server; Debian keeps them off PATH."""
    versions = Path("/usr/lib/postgresql").glob("*/bin/pg_ctl")
    newest = max(versions, key=lambda path: [int(part) for part in path.parts[4].split(".")], default=None)
    found = newest or shutil.which("pg_ctl")
    return Path(found).resolve().parent if found else None


def free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


class Server:
    """Runs from start() to stop(), and can be started again."""

    def __init__(self, programs: Path, folder: Path, owner: dict[str, Any]) -> None:
        self.programs, self.folder, self.owner = programs, folder, owner
        self.port = 0
        self.running = False

    @property
    def url(self) -> str:
        return f"postgresql://tester@127.0.0.1:{self.port}/postgres"

    def call(self, program: str, *arguments: str) -> bool:
        # Into a file: the server inherits what it writes to, and a pipe would never end.
        with (self.folder / "log").open("ab") as log:
            command = [str(self.programs / program), "-D", str(self.folder / "data"), *arguments]
            done = subprocess.run(
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd="/", check=False, **self.owner
            )
        return done.returncode == 0

    def log(self) -> str:
        return (self.folder / "log").read_text(errors="replace")

    def start(self) -> None:
        """Does nothing where it runs."""
        for _ in range(ATTEMPTS):
            if self.running:
                return
            self.port = free_port()
            self.running = self.call("pg_ctl", "-w", "-t", str(PATIENCE_S), "-o", f"{OPTIONS} -p {self.port}", "start")
        assert self.running, self.log()

    def stop(self, how: str) -> None:
        """How: fast, or immediate, which is as good as a crash."""
        if self.running:
            assert self.call("pg_ctl", "-w", "-t", str(PATIENCE_S), "-m", how, "stop"), self.log()
            self.running = False

    def execute(self, statement: str) -> None:
        import psycopg  # tests that are skipped do without

        with psycopg.connect(self.url, autocommit=True) as connection:
            connection.execute(statement)  # type: ignore[call-overload, unused-ignore]

    def wait_for_sleepers(self, expected: dict[str, int], *programs: subprocess.Popen[str]) -> None:
        """Until so many queries of each application sleep in the server, and no other; no program may end before."""
        import psycopg

        deadline = time.monotonic() + PATIENCE_S
        with psycopg.connect(self.url, autocommit=True, client_encoding="utf8") as connection:
            while True:
                rows = connection.execute(
                    "SELECT application_name, count(*) FROM pg_stat_activity"
                    " WHERE wait_event = 'PgSleep' AND state = 'active' GROUP BY application_name"
                ).fetchall()
                if dict(rows) == expected:
                    return
                assert time.monotonic() < deadline, rows
                for program in programs:
                    assert program.poll() is None, program.communicate()


@contextmanager
def make_server(programs: Path) -> Iterator[Server]:
    """Not in pytest's folders, which nobody but their owner may enter: the server refuses to be root's."""
    is_root = os.geteuid() == 0
    folder = Path(tempfile.mkdtemp(prefix="gilscope-postgresql-"))
    try:
        if is_root:
            shutil.chown(folder, "nobody")
        owner: dict[str, Any] = {"user": "nobody", "group": folder.stat().st_gid, "extra_groups": []} if is_root else {}
        server = Server(programs, folder, owner)
        # SQL_ASCII is what a machine without a locale gets: the worst case for what programs read.
        options = ["--username=tester", "--auth=trust", "--no-sync", "--locale=C", "--encoding=SQL_ASCII"]
        assert server.call("initdb", *options), server.log()
        try:
            yield server
        finally:
            server.stop("immediate")
    finally:
        shutil.rmtree(folder)
