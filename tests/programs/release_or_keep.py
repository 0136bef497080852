"""Calls of well-known extensions that release the GIL for most of their time, or keep it; their names say which."""

import hashlib
import re
import sqlite3
import zlib
from contextlib import closing

import pytest

try:
    import numpy  # here: that takes longer than a dot
except ImportError:
    numpy = None  # type: ignore[assignment, unused-ignore]

pytestmark = pytest.mark.releases_gil(share=0.7)
with_numpy = pytest.mark.skipif(numpy is None, reason="numpy is not installed")

QUERY = "with recursive c(x) as (values(1) union all select x + 1 from c where x < {}) select sum({}) from c"


def test_sha256_of_much_releases() -> None:
    hashlib.sha256(bytes(1 << 26))


def test_sha256_of_little_keeps() -> None:
    for _ in range(100_000):
        hashlib.sha256(b"little")


def test_compress_of_much_releases() -> None:
    zlib.compress(bytes(1 << 26))


def test_crc32_of_little_keeps() -> None:
    for _ in range(200_000):
        zlib.crc32(b"little")


def test_a_query_releases() -> None:
    with closing(sqlite3.connect(":memory:")) as connection:
        connection.execute(QUERY.format(1_000_000, "x")).fetchall()


def test_a_query_that_calls_back_keeps() -> None:
    with closing(sqlite3.connect(":memory:")) as connection:
        connection.create_function("f", 1, lambda x: sum(range(50)))
        connection.execute(QUERY.format(100_000, "f(x)")).fetchall()


def test_re_keeps() -> None:
    re.search("(a+)+b", "a" * 24)


@with_numpy
def test_dot_of_floats_releases() -> None:
    a = numpy.ones((1500, 1500))
    a.dot(a)


@with_numpy
def test_dot_of_objects_keeps() -> None:
    a = numpy.ones((120, 120), dtype=object)
    a.dot(a)
