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
