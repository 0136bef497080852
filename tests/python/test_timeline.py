"""The timeline of a notebook: what it is made from, and the picture."""

import os
import tempfile
import xml.etree.ElementTree as ElementTree
from pathlib import Path
from typing import Any

import pytest

import gilscope
from gilscope import _timeline
from gilscope._trace import TimedTrace, gil_is_enabled

SVG = "{http://www.w3.org/2000/svg}"
with_gil = pytest.mark.skipif(not gil_is_enabled(), reason="this Python has no GIL")


def row(name: str | None, cells: list[int], thread: int = 7, bin_bits: int = 0, gil: int = 0) -> dict[str, Any]:
    return {"gil": gil, "thread": thread, "name": name, "bin_bits": bin_bits, "cells": cells}


def timeline(*rows: dict[str, Any], length: int = 6400, left_out: int = 0) -> dict[str, Any]:
    process = {"pid": 5, "begin": 0, "end": length, "rows": list(rows)}
    return {"tick_ns": 10.0, "rows_left_out": left_out, "processes": [process]}


def draw(*rows: dict[str, Any], **facts: int) -> tuple[ElementTree.Element, str]:
    """The picture, and the text below it."""
    svg, _, below = _timeline.svg_of(timeline(*rows, **facts), 5).partition("</svg>")
    return ElementTree.fromstring(f"{svg}</svg>"), below


def bars(picture: ElementTree.Element, number: int) -> list[str]:
    """The outlines of a row's holds and waits."""
    return [path.get("d", "") for path in picture.findall(f"{SVG}g")[number].findall(f"{SVG}path")[1:]]


def test_a_hold_and_a_wait_are_where_they_were() -> None:
    # Ten ticks a column: held from column 100 to 300, waited from there to column 320.
    picture, _ = draw(row("reader", [1000, 2000, 2000, 0, 0, 1, 0, 0, 0, 200, 0, 200, 0, 0, 1, 0]))
    assert bars(picture, 0) == ["M260 18h200v-12h-200z", "M460 0h20v6h-20z"]
    assert picture[0].findtext(f"{SVG}title") == "reader: held 20.0 µs, waited 2.00 µs"


def test_waits_for_locks_lie_below_those_for_the_gil_and_are_named_where_there_are_some() -> None:
    # 64 bins of 2^4 ticks, of which a third was waited and another one for a lock.
    picture, below = draw(row("worker", [0, 64, 0, 341, 341, 0, 9, 9], bin_bits=4), length=1024)
    assert bars(picture, 0) == ["", "M160 0h640v4h-640z", "M160 0h640v2h-640z"]
    assert str(picture[0].findtext(f"{SVG}title")).endswith(", for locks 3.41 µs")
    assert "for a lock" in below
    assert "for a lock" not in draw(row("worker", [0, 1, 1, 0, 0, 1, 0, 0]))[1]


def test_a_coarse_cell_is_as_high_as_its_shares() -> None:
    # 64 bins of 2^4 ticks, of which a half was held and a third waited.
    picture, _ = draw(row("worker", [0, 64, 512, 341, 0, 9, 9, 0], bin_bits=4), length=1024)
    assert bars(picture, 0) == ["M160 18h640v-6h-640z", "M160 0h640v2h-640z"]


def test_a_moment_is_seen() -> None:
    picture, _ = draw(row("worker", [3205, 1, 1, 0, 0, 1, 0, 0]))
    assert bars(picture, 0) == ["M480 18h1v-1h-1z", ""]


def test_a_name_is_text_and_shortened() -> None:
    name = "<script>alert('a long name')</script>"
    picture, _ = draw(row(name, [0, 1, 1, 0, 0, 1, 0, 0]), row(None, [0, 1, 1, 0, 0, 1, 0, 0], thread=42))
    first, second = picture.findall(f"{SVG}g")
    assert first.findtext(f"{SVG}text") == f"{name[:19]}…"
    assert str(first.findtext(f"{SVG}title")).startswith(f"{name}: held ")
    assert second.findtext(f"{SVG}text") == "thread 42"


def test_where_there_are_several_gils_rows_say_which() -> None:
    picture, _ = draw(row("a", [0, 1, 1, 0, 0, 1, 0, 0]), row("a", [0, 1, 1, 0, 0, 1, 0, 0], gil=3))
    assert [group.findtext(f"{SVG}text") for group in picture.findall(f"{SVG}g")] == ["a, GIL 0", "a, GIL 3"]


def test_the_busiest_rows_are_shown_in_their_order_and_others_counted() -> None:
    rows = [row(f"t{number}", [0, number, number, 0, 0, 1, 0, 0]) for number in range(1, 24)]
    picture, below = draw(*rows, left_out=2)
    names = [group.findtext(f"{SVG}text") for group in picture.findall(f"{SVG}g")]
    assert names == [f"t{number}" for number in range(4, 24)]
    assert "; 5 less busy threads are left out" in below
    assert "left out" not in draw(rows[0])[1]


def test_the_axis_has_the_length_of_the_process() -> None:
    picture, _ = draw(row("a", [0, 1, 1, 0, 0, 1, 0, 0]))
    assert [text.text for text in picture.findall(f"{SVG}text")] == ["0", "16.0 µs", "32.0 µs", "48.0 µs", "64.0 µs"]


def test_of_another_process_there_is_none() -> None:
    assert _timeline.svg_of(timeline(row("a", [0, 1, 1, 0, 0, 1, 0, 0])), 6) == ""


@with_gil
@pytest.mark.alone  # it traces the process of the tests
def test_its_sums_are_the_summarys() -> None:
    with TimedTrace() as trace:
        for _ in range(10):
            gilscope.release(1000)
    document = trace.take_timeline()
    assert document is not None
    (process,) = document["processes"]
    held = {(row["thread"], row["gil"]): sum(row["cells"][2::8]) * document["tick_ns"] for row in process["rows"]}
    threads = trace.summary.processes[0].threads
    assert {(thread.id, thread.gil) for thread in threads} == held.keys()
    assert all(abs(held[thread.id or 0, thread.gil] - thread.hold_ns) <= 1 for thread in threads)
    assert trace.summary.processes[0].gils[0].voluntary >= 10
    assert trace.summary.probe.capture_bytes is None


@with_gil
@pytest.mark.alone
def test_a_fork_leaves_the_events_to_its_parent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr(tempfile, "tempdir", None)
    trace = TimedTrace()
    trace.start()
    child = os.fork()
    if child == 0:
        try:
            own = trace.stop().processes
            del trace
            os._exit(0 if [process.pid for process in own] == [os.getpid()] else 1)
        finally:
            os._exit(2)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert [process.pid for process in trace.stop().processes] == [os.getpid()]
    assert list(tmp_path.iterdir())
    document = trace.take_timeline()
    assert document is not None
    assert os.getpid() in [process["pid"] for process in document["processes"]]
    assert not list(tmp_path.iterdir())


@pytest.mark.skipif(gil_is_enabled(), reason="this Python has a GIL")
def test_without_a_gil_there_is_none() -> None:
    with TimedTrace() as trace:
        pass
    assert trace.take_timeline() is None
