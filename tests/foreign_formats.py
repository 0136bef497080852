"""What other programs demand of the files that gilscope writes for them; each check raises AssertionError."""

import re
from typing import Any


def read_collapsed(text: str) -> list[tuple[list[str], int]]:
    """Collapsed stacks as flamegraph.pl and inferno read them: the frames, and the weight, of each line."""
    assert text == "" or text.endswith("\n")
    stacks = []
    for line in text.splitlines():
        found = re.fullmatch(r"(.+) (\d+)", line)
        assert found, line
        frames = found[1].split(";")
        assert all(frames), line
        stacks.append((frames, int(found[2])))
    return stacks


def check_speedscope(document: dict[str, Any]) -> None:
    """https://www.speedscope.app/file-format-schema.json, and what its importer relies on beyond that."""
    assert document["$schema"] == "https://www.speedscope.app/file-format-schema.json"
    assert document.keys() == {"$schema", "name", "exporter", "shared", "profiles"}
    assert isinstance(document["name"], str)
    frames = document["shared"]["frames"]
    for frame in frames:
        assert isinstance(frame["name"], str)
        assert frame.keys() <= {"name", "file", "line"}
        assert isinstance(frame.get("file", ""), str)
        assert frame.get("line", 1) >= 1
    for profile in document["profiles"]:
        assert profile.keys() == {"type", "name", "unit", "startValue", "endValue", "samples", "weights"}
        assert (profile["type"], profile["unit"]) == ("sampled", "nanoseconds")
        assert len(profile["samples"]) == len(profile["weights"])
        assert profile["endValue"] - profile["startValue"] == sum(profile["weights"])
        for sample in profile["samples"]:
            assert sample
            assert all(0 <= frame < len(frames) for frame in sample)


def check_columns(table: dict[str, Any], *columns: str) -> int:
    """Each column has as many rows as the table says; returns how many."""
    length = table["length"]
    assert isinstance(length, int)
    assert table.keys() >= set(columns)
    for name in columns:
        assert len(table[name]) == length, name
    return length


def check_numbers(values: list[Any], below: int) -> None:
    """All are rows of a table with so many."""
    for value in values:
        assert isinstance(value, int), value
        assert 0 <= value < below, value


def check_times(values: list[Any]) -> None:
    """Milliseconds."""
    assert all(isinstance(value, int | float) and value >= 0 for value in values)


def check_firefox(document: dict[str, Any]) -> None:
    """Version 48 of the Firefox Profiler's processed profile format: its src/types/profile.js of that time."""
    meta = document["meta"]
    assert meta["preprocessedProfileVersion"] == 48
    assert isinstance(meta["version"], int)
    assert meta["stackwalk"] in (0, 1)
    assert meta["processType"] == 0
    assert isinstance(meta["product"], str)
    check_times([meta["startTime"], meta["interval"]])
    categories = meta["categories"]
    assert categories[0]["color"] == "grey"  # the default one
    assert all(category["subcategories"][0] == "Other" for category in categories)
    schemas = {
        schema["name"]: {field["key"]: field["format"] for field in schema["data"]} for schema in meta["markerSchema"]
    }
    assert document["libs"] == []
    places = [(thread["pid"], thread["tid"]) for thread in document["threads"]]
    assert len(places) == len(set(places))
    for thread in document["threads"]:
        check_firefox_thread(thread, len(categories), schemas)


def check_firefox_thread(thread: dict[str, Any], categories: int, schemas: dict[str, dict[str, str]]) -> None:
    """One thread: tables of columns that refer to each other by row."""
    assert all(isinstance(thread[key], str) for key in ("name", "pid", "processName", "processType"))
    assert isinstance(thread["isMainThread"], bool)
    assert isinstance(thread["tid"], int)
    check_times([thread["processStartupTime"], thread["registerTime"]])
    strings = len(thread["stringArray"])
    assert all(isinstance(text, str) for text in thread["stringArray"])
    funcs = check_columns(
        thread["funcTable"],
        *("name", "isJS", "relevantForJS", "resource", "fileName", "lineNumber", "columnNumber"),
    )
    check_numbers(thread["funcTable"]["name"], strings)
    check_numbers(thread["funcTable"]["fileName"], strings)
    assert set(thread["funcTable"]["resource"]) <= {-1}
    frames = check_columns(
        thread["frameTable"],
        *("address", "inlineDepth", "category", "subcategory", "func", "nativeSymbol", "innerWindowID"),
        *("implementation", "line", "column"),
    )
    check_numbers(thread["frameTable"]["func"], funcs)
    check_numbers(thread["frameTable"]["category"], categories)
    stacks = check_columns(thread["stackTable"], "frame", "prefix", "category", "subcategory")
    check_numbers(thread["stackTable"]["frame"], frames)
    for row, prefix in enumerate(thread["stackTable"]["prefix"]):  # parents stand above their children
        check_numbers([prefix] if prefix is not None else [], row)
    check_columns(thread["resourceTable"], "lib", "name", "host", "type")
    check_columns(thread["nativeSymbols"], "libIndex", "address", "name", "functionSize")
    samples = thread["samples"]
    check_columns(samples, "stack", "time", "weight")
    assert samples["weightType"] == "tracing-ms"
    check_numbers([stack for stack in samples["stack"] if stack is not None], stacks)
    check_times(samples["time"])
    assert samples["time"] == sorted(samples["time"])
    check_times(samples["weight"])
    markers = thread["markers"]
    check_columns(markers, "data", "name", "startTime", "endTime", "phase", "category")
    check_numbers(markers["name"], strings)
    check_numbers(markers["category"], categories)
    check_times(markers["startTime"])
    assert all(begin <= end for begin, end in zip(markers["startTime"], markers["endTime"], strict=True))
    assert set(markers["phase"]) <= {1}  # intervals
    for data in markers["data"]:
        fields = schemas[data["type"]]
        assert data.keys() - {"type"} <= fields.keys()
        for key, kind in fields.items():
            if kind == "unique-string" and key in data:
                check_numbers([data[key]], strings)
