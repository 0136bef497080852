"""The example of docs/how-to/monitoring.md in real servers, as Prometheus sees it: threads at once, and forks."""

import http.client
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import pytest

pytest.importorskip("prometheus_client", reason="prometheus_client is in the dependency group integrations")

from prometheus_client.parser import text_string_to_metric_families

pytestmark = pytest.mark.skipif(not getattr(sys, "_is_gil_enabled", lambda: True)(), reason="this Python has no GIL")

EXAMPLES = Path(__file__).parents[2] / "docs" / "examples"
WORKERS = 4
NAMES = {f"waitress-{worker}" for worker in range(WORKERS)}
PATIENCE_S = 60

WAITRESS = f"""
import waitress, monitored_wsgi
server = waitress.create_server(monitored_wsgi.application, listen="127.0.0.1:0", threads={WORKERS})
print(server.effective_port, flush=True)
server.run()
"""

Samples = dict[tuple[str, str], float]  # by name without its prefix, and thread; "": without labels


def request(port, method, path, body=None) -> str:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE_S)
    try:
        connection.request(method, path, body)
        response = connection.getresponse()
        text = response.read().decode()
        assert response.status == 200, text
        return text
    finally:
        connection.close()


class Scrape(NamedTuple):
    """What /metrics answered, and when it was asked and had answered."""

    asked_s: float
    samples: Samples
    answered_s: float


def scrape(port) -> Scrape:
    asked = time.monotonic()
    families = list(text_string_to_metric_families(request(port, "GET", "/metrics")))
    answered = time.monotonic()
    samples = [sample for family in families for sample in family.samples if sample.name.startswith("gilscope_")]
    assert {sample.labels.get("gil", "0") for sample in samples} == {"0"}
    named = {
        (sample.name.removeprefix("gilscope_"), sample.labels.get("thread", "")): sample.value for sample in samples
    }
    return Scrape(asked, named, answered)


def gained(before: Samples, after: Samples, name) -> dict[str, float]:
    return {thread: value - before.get((of, thread), 0) for (of, thread), value in after.items() if of == name}


@contextmanager
def serve(*command) -> Iterator[subprocess.Popen[str]]:
    """A server that is told where the example is; it has ended, and its memory is given back, afterwards."""
    environment = {**os.environ, "PYTHONPATH": str(EXAMPLES)}
    with subprocess.Popen([sys.executable, *command], env=environment, text=True, stdout=subprocess.PIPE) as server:
        try:
            yield server
        finally:
            server.send_signal(signal.SIGTERM)
            try:
                server.wait(PATIENCE_S)
            finally:
                server.kill()


def ask_at_once(port, clients, questions) -> None:
    """Each client asks all questions, one after the other; all begin at once."""
    ready = threading.Barrier(clients)

    def ask(_: int) -> None:
        ready.wait(PATIENCE_S)
        for question in questions:
            request(port, *question)

    with ThreadPoolExecutor(clients) as pool:
        list(pool.map(ask, range(clients)))


def test_a_threaded_server_under_load_tells_who_held_the_gil_and_who_waited() -> None:
    pytest.importorskip("waitress", reason="waitress is in the dependency group integrations")
    with serve("-c", WAITRESS) as server:
        assert server.stdout is not None
        port = int(server.stdout.readline())
        assert request(port, "GET", "/primes") == "5133\n"
        before = scrape(port)
        while True:  # until two workers computed at once, and waited for each other
            ask_at_once(port, 2 * WORKERS, [("GET", "/primes"), ("POST", "/notes", b"a note")])
            after = scrape(port)
            forced = gained(before.samples, after.samples, "gil_forced_releases_total")
            waited = gained(before.samples, after.samples, "gil_waited_seconds_total")
            if sum(forced[worker] > 0 and waited[worker] > 0 for worker in NAMES) >= 2:
                break

    for series, value in before.samples.items():
        assert after.samples[series] >= value
    held = gained(before.samples, after.samples, "gil_held_seconds_total")
    assert NAMES | {"MainThread"} <= held.keys()
    assert all(held[worker] > 0 for worker in NAMES if forced[worker])
    # One GIL: nobody held it while another did, and the two scrapes are no further apart than this.
    assert sum(held.values()) <= after.answered_s - before.asked_s
    assert sum(gained(before.samples, after.samples, "gil_holds_total").values()) > 2 * WORKERS
    assert sum(gained(before.samples, after.samples, "gil_waits_total").values()) > 0
    assert after.samples["gil_enabled", ""] == after.samples["trace_complete", ""] == 1


def test_each_worker_of_a_server_that_forks_counts_itself(tmp_path) -> None:
    pytest.importorskip("gunicorn", reason="gunicorn is in the dependency group integrations")
    socket_path, config = tmp_path / "socket", tmp_path / "gunicorn.conf.py"
    # Each worker on a port of its own for the scrapes, as docs/how-to/monitoring.md has it, but one that is free.
    config.write_text(
        """
import gilscope, prometheus_client
control_socket_disable = True
def when_ready(server):
    for _ in range(5000):
        gilscope.release(0)
def post_worker_init(worker):
    server, _ = prometheus_client.start_http_server(0, "127.0.0.1")
    print(server.server_port, flush=True)
"""
    )
    options = ["--preload", "--workers=2", "--threads=2", "--log-level=error"]
    command = [
        "-m",
        "gunicorn",
        *options,
        f"--bind=unix:{socket_path}",
        f"--config={config}",
        "monitored_wsgi:application",
    ]
    with serve(*command) as server:
        assert server.stdout is not None
        ports = [int(server.stdout.readline()) for _ in range(2)]
        first = [scrape(port) for port in ports]
        second = [scrape(port) for port in ports]
    for before, after in zip(first, second, strict=True):
        assert before.samples["gil_enabled", ""] == 1
        assert all(after.samples[series] >= value for series, value in before.samples.items())
        # Those of the server that forked are not the worker's.
        assert 0 < sum(gained({}, before.samples, "gil_holds_total").values()) < 5000
        assert sum(gained(before.samples, after.samples, "gil_held_seconds_total").values()) > 0
