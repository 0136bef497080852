"""The golden files of the exports are what other programs read; and the checks of that see what is wrong."""

import json
from pathlib import Path
from typing import Any

import pytest
from tests.foreign_formats import check_firefox, check_speedscope, read_collapsed
from tests.python.documents import at

GOLDEN = Path(__file__).parents[1] / "golden" / "exports"


def read(name: str) -> str:
    return (GOLDEN / name).read_text(encoding="utf-8")


def changed(name: str, path: tuple[str | int, ...], value: object) -> Any:
    """The golden file with one value changed."""
    document = json.loads(read(name))
    place = at(document, path[:-1])
    assert place[path[-1]] != value
    place[path[-1]] = value
    return document


def test_the_golden_flame_graph_is_collapsed_stacks() -> None:
    stacks = read_collapsed(read("flamegraph.txt"))
    assert stacks[0] == (
        ["process 4001", "MainThread", "main (/srv/app.py:12)", "Parser.parse (/srv/app.py:41)"],
        1_500_000,
    )


@pytest.mark.parametrize("text", ["a;b 1", "a;b\n", "a;;b 1\n", "a;b 1.5x\n", " 1\n"])
def test_text_that_is_no_collapsed_stack_is_refused(text: str) -> None:
    with pytest.raises(AssertionError):
        read_collapsed(text)


def test_the_golden_speedscope_profile_is_one() -> None:
    check_speedscope(json.loads(read("speedscope.json")))


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("$schema",), "https://example.org"),
        (("shared", "frames", 0, "name"), None),
        (("shared", "frames", 0, "line"), 0),
        (("profiles", 0, "unit"), "ns"),
        (("profiles", 0, "endValue"), 1),
        (("profiles", 0, "weights"), []),
        (("profiles", 0, "samples", 0), [99]),
        (("profiles", 0, "samples", 0), []),
    ],
)
def test_a_speedscope_profile_with_something_wrong_is_refused(path: tuple[str | int, ...], value: object) -> None:
    with pytest.raises(AssertionError):
        check_speedscope(changed("speedscope.json", path, value))


def test_the_golden_firefox_profile_is_one() -> None:
    document = json.loads(read("firefox.json"))
    check_firefox(document)
    assert [thread["samples"]["length"] for thread in document["threads"]] == [2, 0]


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("meta", "preprocessedProfileVersion"), 47),
        (("meta", "categories", 0, "color"), "blue"),
        (("threads", 0, "pid"), 4001),
        (("threads", 1, "tid"), 4001),  # another one's
        (("threads", 0, "stringArray"), []),
        (("threads", 0, "funcTable", "name", 0), 99),
        (("threads", 0, "frameTable", "func", 0), -1),
        (("threads", 0, "frameTable", "line"), []),
        (("threads", 0, "stackTable", "prefix", 1), 1),  # its own parent
        (("threads", 0, "samples", "stack", 0), 3),
        (("threads", 0, "samples", "time", 0), 99),  # after the next one
        (("threads", 0, "samples", "weightType"), "ns"),
        (("threads", 0, "markers", "length"), 2),
        (("threads", 0, "markers", "endTime", 0), 0),
        (("threads", 0, "markers", "data", 0, "type"), "Text"),
        (("threads", 0, "markers", "data", 1, "to"), "a text"),
    ],
)
def test_a_firefox_profile_with_something_wrong_is_refused(path: tuple[str | int, ...], value: object) -> None:
    with pytest.raises((AssertionError, KeyError)):
        check_firefox(changed("firefox.json", path, value))
