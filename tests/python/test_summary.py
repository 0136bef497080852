"""gilscope.Summary: what is made of it, and files of it that are good or bad."""

import csv
import io
import json
import re
import sys
import threading
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from tests.python.documents import at, one_of_each_kind, places

import gilscope
from gilscope._summary import summary_of

GOLDEN = Path(__file__).parents[1] / "golden"
has_gil = getattr(sys, "_is_gil_enabled", lambda: True)()
with_gil = pytest.mark.skipif(not has_gil, reason="this Python has no GIL")


def trace_thread(name: str = "worker") -> gilscope.Summary:
    with gilscope.trace() as trace:
        thread = threading.Thread(target=gilscope.count, args=(1000,), name=name)
        thread.start()
        thread.join()
    return trace.summary


def golden(name: str = "summary.json") -> Any:
    return json.loads((GOLDEN / name).read_text(encoding="utf-8"))


def load(tmp_path: Path, document: Any) -> gilscope.Summary:
    path = tmp_path / "loaded.json"
    path.write_text(json.dumps(document), encoding="utf-8")
    return gilscope.Summary.load(path)


def test_the_summary_is_a_dict_json_and_text() -> None:
    summary = trace_thread()
    document = summary.to_dict()
    assert document["schema"] == "gilscope.summary/1"
    assert document["python"]["linkage"] == "stock"
    assert json.loads(summary.to_json()) == document
    assert summary.verdict.text == document["verdict"]["text"]
    assert str(summary).startswith("gilscope: ")
    assert set(document) - {"schema"} == {name for name in vars(summary) if not name.startswith("_")}


# Rows


@with_gil
@pytest.mark.alone
def test_a_row_is_a_thread_and_a_gil_without_anything_nested() -> None:
    summary = trace_thread()
    rows = {row["name"]: row for row in summary.rows()}
    assert set(rows) == {"MainThread", "worker"}
    (process,) = summary.processes
    worker = next(thread for thread in process.threads if thread.name == "worker")
    assert worker.hold is not None
    row = rows["worker"]
    assert (row["pid"], row["id"], row["holds"]) == (process.pid, worker.id, worker.holds)
    assert row["hold_max_ns"] == worker.hold.max_ns
    assert (row["wait_p50_ns"] is None) == (worker.wait is None)
    assert all(isinstance(value, int | float | str | None) for value in row.values())


def test_rows_have_the_same_keys_for_every_process(tmp_path: Path) -> None:
    rows = load(tmp_path, golden()).rows()
    assert len(rows) == sum(len(process["threads"]) for process in golden()["processes"])
    assert {tuple(row) for row in rows} == {tuple(rows[0])}
    csv.DictWriter(io.StringIO(), rows[0]).writerows(rows)
    assert load(tmp_path, golden("summary_no_gil.json")).rows() == []


# HTML


class Tags(HTMLParser):
    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.open: list[str] = []
        self.cells: list[str] = []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert attrs == []
        self.tags.add(tag)
        self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open[-1] == "td":
            self.cells.append(data)


@with_gil
@pytest.mark.parametrize("name", ["<script>alert(1)</script>", "</td>&lt;", '"><img src=x onerror=y>', "a\0b\x1b[31m"])
def test_names_stay_text_in_html(name: str) -> None:
    html = Tags(trace_thread(name)._repr_html_())
    assert html.tags == {"p", "table", "caption", "thead", "tbody", "tr", "th", "td"}
    assert any(name.split("\0")[0] in cell for cell in html.cells)


def test_html_tells_the_busiest_threads_and_how_many_are_left_out(tmp_path: Path) -> None:
    document = golden()
    thread = document["processes"][0]["threads"][0]
    document["processes"][0]["threads"] = [{**thread, "id": i + 1, "name": f"t{i}", "hold_ns": i} for i in range(30)]
    html = load(tmp_path, document)._repr_html_()
    assert "10 less busy threads are left out" in html
    assert re.findall(r"<td>(t\d+)</td>", html)[:2] == ["t29", "t28"]


# Files


@pytest.mark.parametrize("text", [str, Path])
def test_what_was_saved_is_loaded_as_it_was(tmp_path: Path, text: Any) -> None:
    summary = trace_thread("<name> \u2603")
    summary.save(text(tmp_path / "gil.json"))
    loaded = gilscope.Summary.load(text(tmp_path / "gil.json"))
    assert loaded == summary
    assert str(loaded) == str(summary)
    assert loaded.to_dict() == summary.to_dict()
    assert [path.name for path in tmp_path.iterdir()] == ["gil.json"]


@pytest.mark.parametrize("name", ["summary.json", "summary_no_gil.json"])
def test_what_the_host_wrote_is_loaded(tmp_path: Path, name: str) -> None:
    summary = load(tmp_path, golden(name))
    assert summary.to_dict() == golden(name)
    assert " ".join(str(summary).split()).startswith("gilscope: " + summary.verdict.text)


def test_an_existing_file_is_kept_unless_it_is_forced(tmp_path: Path) -> None:
    path = tmp_path / "gil.json"
    path.write_text("mine")
    with pytest.raises(FileExistsError, match="force=True"):
        trace_thread().save(path)
    assert path.read_text() == "mine"
    trace_thread().save(path, force=True)
    assert gilscope.Summary.load(path).python is not None
    assert [found.name for found in tmp_path.iterdir()] == ["gil.json"]


def test_what_cannot_be_written_or_read_is_the_systems_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError) as raised:
        trace_thread().save(tmp_path / "no" / "gil.json")
    assert raised.value.filename == str(tmp_path / "no" / "gil.json")
    (tmp_path / "folder").mkdir()
    with pytest.raises(OSError, match="folder"):
        trace_thread().save(tmp_path / "folder", force=True)
    with pytest.raises(FileNotFoundError):
        gilscope.Summary.load(tmp_path / "no.json")
    assert [found.name for found in tmp_path.iterdir()] == ["folder"]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (b"", "no JSON object"),
        (b"[]", "no JSON object"),
        (b'{"schema": "gilscope.summary/1"', "no JSON object"),
        (b"\xff\xfe", "no text"),
        (b"{}", "it has no 'schema'"),
        (b'{"schema": 1}', "its schema is 1"),
        (b'{"schema": "gilscope.compare/1"}', 'its schema is "gilscope.compare/1"'),
        (b'{"schema": "gilscope.summary/2"}', 'its schema is "gilscope.summary/2"'),
        (b'{"schema": "gilscope.summary/1"}', "it has no 'python'"),
        (b"[" * 100_000, "no JSON object"),
    ],
)
def test_what_is_no_summary_is_refused_in_one_line(tmp_path: Path, text: bytes, reason: str) -> None:
    path = tmp_path / "bad.json"
    path.write_bytes(text)
    with pytest.raises(gilscope.Error, match=re.escape(reason)) as raised:
        gilscope.Summary.load(path)
    assert str(path) in str(raised.value)
    assert "\n" not in str(raised.value)


def test_a_file_that_an_editor_or_a_joker_went_over_is_loaded_or_refused(tmp_path: Path) -> None:
    path = tmp_path / "edited.json"
    path.write_bytes(b"\xef\xbb\xbf" + json.dumps(golden(), indent=1).replace("\n", "\r\n").encode())
    assert gilscope.Summary.load(path).to_dict() == golden()
    deep = "[" * 200_000 + "]" * 200_000
    path.write_text(json.dumps(golden())[:-1] + f', "news": {deep}}}')
    with pytest.raises(gilscope.Error, match="no text"):
        gilscope.Summary.load(path)


def test_a_summary_with_anything_missing_or_of_another_type_is_refused_or_loads() -> None:
    for path in one_of_each_kind(golden(), list(places(golden()))[1:]):
        values: tuple[Any, ...] = (None, -1, 1e300, "text", [], {}, [[]], True)
        for replace in values:
            document = golden()
            holder = at(document, path[:-1])
            if replace is None and isinstance(holder, dict):
                del holder[path[-1]]
            else:
                holder[path[-1]] = replace
            try:
                summary = summary_of(json.dumps(document))
            except gilscope.Error:
                continue
            assert str(summary)
            assert summary.to_dict() == document
            summary._repr_html_()
            summary.rows()


def test_blame_is_rows_or_was_not_recorded(tmp_path: Path) -> None:
    processes = load(tmp_path, golden()).processes
    assert processes[1].blame is None
    assert processes[0].blame is not None
    most, *_, nobody = processes[0].blame
    assert most.from_ is not None
    assert most.to is not None
    assert (most.from_.line, most.to.function, most.holds) == (41, "match", 9)
    assert [place.function for place in most.stack] == ["match", "parse", "main"]
    assert most.caused_wait_ns == sum(waiter.wait_ns for waiter in most.waiters)
    assert (nobody.thread, nobody.to, nobody.holds, nobody.stack) == (None, None, 0, [])


def test_what_a_later_version_adds_is_kept(tmp_path: Path) -> None:
    document = golden()
    document["news"] = document["processes"][0]["news"] = document["processes"][0]["threads"][0]["news"] = []
    assert load(tmp_path, document).to_dict() == document
