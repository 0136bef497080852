"""A web application that tells Prometheus what its GIL does: GET /primes computes, POST /notes writes, GET /metrics.

pip install 'gilscope[prometheus]' waitress
waitress-serve --listen=127.0.0.1:8080 --threads=4 monitored_wsgi:application
"""

from __future__ import annotations

import math
import os
import tempfile
from typing import TYPE_CHECKING

import prometheus_client

import gilscope.prometheus

if TYPE_CHECKING:
    from collections.abc import Iterable
    from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

prometheus_client.REGISTRY.register(gilscope.prometheus.collector())
metrics: WSGIApplication = prometheus_client.make_wsgi_app()
notes = tempfile.TemporaryFile()  # noqa: SIM115  (as long as the process)


def primes(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    """Count the primes below 50,000 by trial division: bytecode, which holds the GIL."""
    count = sum(all(n % divisor for divisor in range(2, math.isqrt(n) + 1)) for n in range(2, 50_000))
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [f"{count}\n".encode()]


def keep_note(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    """Write the body to the disk, and wait for that: system calls, which release the GIL."""
    size = os.write(notes.fileno(), environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0)))
    os.fsync(notes.fileno())
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [f"{size}\n".encode()]


def application(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    """Answer one request, in one of the server's threads."""
    match environ["REQUEST_METHOD"], environ["PATH_INFO"]:
        case "GET", "/primes":
            return primes(environ, start_response)
        case "POST", "/notes":
            return keep_note(environ, start_response)
        case "GET", "/metrics":
            return metrics(environ, start_response)
    start_response("404 Not Found", [("Content-Type", "text/plain")])
    return [b"GET /primes, POST /notes, GET /metrics\n"]
