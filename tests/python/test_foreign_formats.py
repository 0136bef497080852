"""The golden files of the exports are what other programs read; and the checks of that see what is wrong."""

import copy
import json
from pathlib import Path
from typing import Any

import pytest
from tests.foreign_formats import check_speedscope, read_collapsed

GOLDEN = Path(__file__).parents[1] / "golden" / "exports"


def read(name: str) -> str:
    return (GOLDEN / name).read_text(encoding="utf-8")


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
    document: Any = copy.deepcopy(json.loads(read("speedscope.json")))
    place = document
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = value
    with pytest.raises(AssertionError):
        check_speedscope(document)
