"""What is said of each capture of the corpus, held against the truth: a table. `judging.py [NAME…]`, or test_corpus.py.

Deterministic: a capture tells the same on every machine, today and in a year. With the binary: GILSCOPE_HOST.
"""

import fnmatch
import json
import os
import re
import subprocess
import sys
import tempfile
import tomllib
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

CORPUS = Path(__file__).resolve().parent
OF_THE_RUN = ("no_bottleneck", "little_to_gain", "io_bound", "released_by_c")


@dataclass(frozen=True)
class Truth:
    """Of one capture: see truth.toml."""

    name: str
    first: tuple[str, ...]
    also: tuple[str, ...] = ()
    culprits: tuple[str, ...] = ()
    victims: tuple[str, ...] = ()
    place: str = ""
    share: float = 0
    sleeps: bool = False
    load: str = ""  # the program, of a capture that was recorded beside load
    without_gil: bool = False

    def lines(self) -> set[str]:
        """Those that are to blame, as sentences write them."""
        lines = (CORPUS / "programs" / f"{self.load or self.name}.py").read_text().splitlines()
        return {f"{self.load or self.name}.py:{n}" for n, line in enumerate(lines, 1) if line.endswith("# culprit")}


def read_truths() -> dict[str, Truth]:
    """By the name of the capture."""
    sections = tomllib.loads((CORPUS / "truth.toml").read_text())
    truths = {}
    for section in sections.values():
        for name, told in section.items():
            # Of a program with nothing wrong any verdict of the run may follow: how long it took is the machine's.
            also = () if told.get("culprits") else OF_THE_RUN
            # Beside load it is right to say first that there was no CPU, where one was wanted for long.
            first = {"first": ("lack_of_cpu", *told.get("also", also)), "also": also} if "load" in told else {}
            lists = {
                key: (value,) if isinstance(value, str) else tuple(value)
                for key, value in told.items()
                if key in ("first", "also", "culprits", "victims")
            }
            truths[name] = Truth(name, **{**first, **told, **lists})
    return truths


@dataclass(frozen=True)
class Judged:
    """What was said first, why that is not right, and which sentences are false."""

    name: str
    said: str
    wrong: str
    false: list[str]


def names_of(document: dict[str, Any], finding: dict[str, Any], key: str) -> list[str]:
    """Of threads of a finding; one that nobody named is `thread N`."""
    process = next(process for process in document["processes"] if process["pid"] == finding["pid"])
    names = {row["id"]: row["name"] for row in (*process["threads"], *process["other_threads"])}
    return [names.get(thread) or f"thread {thread}" for thread in finding[key]]


def is_one(name: str, patterns: tuple[str, ...]) -> bool:
    """Of those that the truth names."""
    return any(fnmatch.fnmatchcase(name, pattern) for pattern in patterns)


def find_false(document: dict[str, Any], truth: Truth, finding: dict[str, Any]) -> Iterator[str]:
    """What a sentence says that is not so."""
    text, kind = finding["text"], finding["kind"]
    if kind not in (*truth.first, *truth.also):
        yield f"{kind}: {text}"
        return
    if "sleeps" in text and not truth.sleeps:
        yield f"no call sleeps: {text}"
    if "want of a CPU" in text and not truth.load:
        yield f"there were CPUs: {text}"
    if finding["pid"] is None or kind == "lack_of_cpu":
        return
    for place in re.findall(r"[\w<>-]+\.py:\d+", text):
        if place not in truth.lines() and not (truth.place and place.startswith(f"{truth.place}:")):
            yield f"{place} is innocent: {text}"
    for name in names_of(document, finding, "culprits"):
        if not is_one(name, truth.culprits):
            yield f"{name} is innocent: {text}"
    if finding["victim"] is not None:
        (victim,) = names_of(document, {**finding, "victims": [finding["victim"]]}, "victims")
        if victim in text and not is_one(victim, truth.victims):
            yield f"{victim} did not suffer most: {text}"


def find_wrong(truth: Truth, findings: list[dict[str, Any]]) -> str:
    """What of the first finding is not right, or missing."""
    first: dict[str, Any] = findings[0] if findings else {"kind": "", "text": "", "share": None}
    if first["kind"] not in truth.first:
        return f"not {' or '.join(truth.first)}"
    if first["kind"] == "":
        return ""  # nothing is said, and nothing had to be
    if first["kind"] != "lack_of_cpu" and (first["share"] or 0) < truth.share:
        return f"explains {first['share']:.0%} of the waiting"
    # Collections come by themselves on any line.
    comes_by_itself = first["kind"] in ("lack_of_cpu", "garbage_collection") or "garbage collector" in first["text"]
    has_line = not comes_by_itself or "gc.collect()" in first["text"]
    if truth.culprits and has_line and ".py:" not in first["text"]:
        return "names no line"
    if truth.sleeps and not any("sleeps" in finding["text"] for finding in findings):
        return "does not say that the call sleeps"
    return ""


def is_starved(document: dict[str, Any]) -> bool:
    """Whether a process was given a CPU for less than three quarters of the time that it wanted one."""
    times = [(process["cpu_ns"], process["cpu_wait_ns"]) for process in document["processes"]]
    return any(cpu is not None and wait is not None and 3 * wait > cpu for cpu, wait in times)


def judge(document: dict[str, Any], truth: Truth) -> Judged:
    """All that a report says of a run.

    Where the machine was busy while a capture was recorded, and it was not asked to be, that is to be said first, too.
    """
    if is_starved(document) and not truth.load:
        truth = replace(truth, first=("lack_of_cpu", *truth.first), also=(*truth.also, *truth.first), load=truth.name)
    findings = document["findings"]
    false = [fault for finding in findings for fault in find_false(document, truth, finding)]
    if not truth.culprits and not truth.load and document["verdict"]["kind"] == "bottleneck":
        false.append("the GIL is no bottleneck")
    said = findings[0]["kind"] if findings else ""
    return Judged(truth.name, said, find_wrong(truth, findings), false)


def unpack(name: str, folder: Path) -> None:
    """The capture of that name, a folder in that one."""
    with zipfile.ZipFile(CORPUS / "captures" / f"{name}.zip") as archive:
        archive.extractall(folder)


def tell(report: Callable[[list[str], Path], object], name: str, folder: Path) -> dict[str, Any]:
    """What a capture tells, as JSON. `report` runs what follows the name of the host."""
    unpack(name, folder)
    report(["report", "--json", f"{name}.json", name], folder)
    document: dict[str, Any] = json.loads((folder / f"{name}.json").read_text())
    return document


def table(judged: list[Judged]) -> str:
    """A row for each capture, and the sums."""
    right = sum(not row.wrong for row in judged)
    rows = [f"{row.name:35} {row.said:18} {row.wrong or 'right':40} {len(row.false) or '-'}" for row in judged]
    false = [f"  {row.name}: {fault}" for row in judged for fault in row.false]
    sums = f"first finding right in {right} of {len(judged)}, {sum(len(row.false) for row in judged)} false sentences"
    return "\n".join([f"{'capture':35} {'said first':18} {'first finding':40} false", *rows, *false, sums])


def main() -> None:
    """Prints the table, of all or of those that are named."""
    host = os.environ["GILSCOPE_HOST"]

    def report(arguments: list[str], folder: Path) -> None:
        subprocess.run([str(Path(host).resolve()), *arguments], cwd=folder, check=True, capture_output=True)

    with tempfile.TemporaryDirectory() as folder:
        truths = read_truths()
        chosen = sys.argv[1:] or list(truths)
        print(table([judge(tell(report, name, Path(folder)), truths[name]) for name in chosen]))


if __name__ == "__main__":
    main()
