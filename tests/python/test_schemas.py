"""docs/schemas: the schemas are sound, take what gilscope prints (the golden files), and nothing else."""

import copy
import functools
import json
from collections import defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator, ValidationError
from tests.python.documents import Path as DocumentPath
from tests.python.documents import at, objects
from tests.schemas import SCHEMAS, read_schema

GOLDEN = Path(__file__).parents[1] / "golden"
# What of a document is open: the figures behind a claim, by their names.
OPEN = "measured"

# Which schema describes which golden file.
PAIRS = [
    ("article.schema.json", "article.json"),
    ("article.schema.json", "article_interrupted.json"),
    ("change.schema.json", "change.json"),
    ("change.schema.json", "change_worse.json"),
    ("compare.schema.json", "compare.json"),
    ("compare.schema.json", "compare_failed.json"),
    ("compare-pythons.schema.json", "pythons.json"),
    ("cost.schema.json", "cost.json"),
    ("cost.schema.json", "cost_few_rounds.json"),
    ("doctor.schema.json", "doctor.json"),
    ("exchange.schema.json", "exchange.json"),
    ("flavours.schema.json", "flavours.json"),
    ("process-count.schema.json", "process_count.json"),
    ("summary.schema.json", "summary.json"),
    ("summary.schema.json", "summary_no_gil.json"),
    ("summary.schema.json", "summary_free_threaded.json"),
    ("run.schema.json", "run.json"),
    ("trace.schema.json", "trace.json"),
]
NAMES = sorted(path.name for path in SCHEMAS.glob("*.json"))


def read(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))


@functools.cache
def validator(schema: str) -> Draft202012Validator:
    return Draft202012Validator(read_schema(schema))


def subschemas(value: Any) -> Iterator[dict[str, Any]]:
    """Every object of a schema that says of a type."""
    if isinstance(value, dict):
        if "type" in value:
            yield value
        for child in value.values():
            yield from subschemas(child)
    elif isinstance(value, list):
        for child in value:
            yield from subschemas(child)


def is_refused(schema: str, document: Any) -> bool:
    return not validator(schema).is_valid(document)


def compare_document() -> Any:
    return read(GOLDEN / "compare.json")


def failed_document() -> Any:
    return read(GOLDEN / "compare_failed.json")


def test_every_schema_is_paired_with_output_that_is_tested() -> None:
    assert {schema for schema, _ in PAIRS} == set(NAMES)
    # What is inside a page is between us and its script.
    promised = {path.name for path in GOLDEN.glob("*.json") if not path.name.startswith("page_")}
    assert {golden for _, golden in PAIRS} == promised


@pytest.mark.parametrize("name", NAMES)
def test_schema_is_a_schema_of_draft_2020_12(name: str) -> None:
    schema = read(SCHEMAS / name)
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert schema["$id"] == name
    Draft202012Validator.check_schema(schema)


@pytest.mark.parametrize("name", NAMES)
def test_schema_lets_no_unknown_key_pass_and_requires_every_known_one(name: str) -> None:
    for schema in subschemas(read(SCHEMAS / name)):
        if "object" in schema["type"] and "properties" in schema:
            assert schema["additionalProperties"] is False
            assert set(schema["required"]) == set(schema["properties"])


@pytest.mark.parametrize(("schema", "golden"), PAIRS)
def test_what_gilscope_prints_is_valid(schema: str, golden: str) -> None:
    validator(schema).validate(read(GOLDEN / golden))


def places_of_errors(schema: str, document: Any) -> set[DocumentPath]:
    """Where a document is refused; where a value or null may stand, also within the value."""
    errors, found = list(validator(schema).iter_errors(document)), set()
    while errors:
        error = errors.pop()
        found.add(tuple(error.absolute_path))
        errors += error.context or []
    return found


@pytest.mark.parametrize(("schema", "golden"), PAIRS)
def test_an_object_with_one_key_more_is_refused_wherever_it_is(schema: str, golden: str) -> None:
    """So it has a schema, which then requires all its keys."""
    document = read(GOLDEN / golden)
    paths = list(objects(document))
    for path in paths:
        at(document, path)["surprise"] = None
    refused = places_of_errors(schema, document)
    assert all({path, (*path, "surprise")} & refused for path in paths)


@pytest.mark.parametrize("other", [[[]], {"surprise": 1}], ids=["list", "object"])
@pytest.mark.parametrize(("schema", "golden"), PAIRS)
def test_a_value_of_another_kind_is_refused_wherever_it_is(schema: str, golden: str, other: object) -> None:
    """No place takes a list in a list, or an object with an unknown key."""
    document = read(GOLDEN / golden)
    together: dict[tuple[int, int], list[DocumentPath]] = defaultdict(list)  # one of each object of a depth
    for path in objects(document):
        for number, key in enumerate(at(document, path)):
            if key != OPEN or isinstance(other, list):
                together[len(path), number].append((*path, key))
    for paths in together.values():
        # Of an event's schemas, each has something against the other kinds.
        seen = places_of_errors(schema, with_values(document, paths, other)) if schema != "trace.schema.json" else set()
        for path in set(paths) - seen:
            assert is_refused(schema, with_values(document, [path], other)), path


def with_values(document: Any, paths: Iterable[DocumentPath], value: object) -> Any:
    """A copy that has the value at each path."""
    changed = copy.deepcopy(document)
    for path in paths:
        at(changed, path[:-1])[path[-1]] = value
    return changed


@pytest.mark.parametrize(("schema", "golden"), PAIRS)
def test_document_of_another_version_of_the_schema_is_refused(schema: str, golden: str) -> None:
    document = read(GOLDEN / golden)
    versioned = document.get("otherData", document)
    versioned["schema"] = versioned["schema"].replace("/1", "/2")
    assert is_refused(schema, document)


def test_golden_files_show_every_status_of_a_mode() -> None:
    shown = {mode["status"] for document in (compare_document(), failed_document()) for mode in document["modes"]}
    assert shown == {"ok", "failed", "timeout", "unavailable"}


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("status", "crashed"),
        ("status", "failed"),  # without a reason
        ("reason", "why"),  # of a mode that is ok
        ("gil", None),
        ("gil", "both"),
        ("mode", "fibers"),
        ("start_method", "vfork"),
        ("work_ns", None),  # of a mode that is ok
        ("max_rss_bytes", 0),  # an unknown is null, never 0
        ("max_rss_bytes", 1.5),
        ("cpu_ns", -1),
        ("concurrency", "2"),
        ("results_equal", "yes"),
        ("slow_modules", None),
    ],
)
def test_mode_with_a_value_that_makes_no_sense_is_refused(key: str, value: object) -> None:
    document = compare_document()
    document["modes"][0][key] = value
    assert is_refused("compare.schema.json", document)


@pytest.mark.parametrize("figures", ["work_ns", "setup_ns"])
def test_times_that_are_no_integers_or_have_no_samples_are_refused(figures: str) -> None:
    for key, value in [("median", 1.5), ("median", None), ("low", "1"), ("samples", []), ("samples", [None])]:
        document = compare_document()
        document["modes"][0][figures][key] = value
        assert is_refused("compare.schema.json", document), (key, value)


@pytest.mark.parametrize(
    ("kind", "best_mode"), [("one_wins", None), ("several_win", None), ("none_wins", "threads"), ("maybe", None)]
)
def test_verdict_names_a_best_mode_exactly_where_one_wins(kind: str, best_mode: str | None) -> None:
    document = compare_document()
    document["verdict"] |= {"kind": kind, "best_mode": best_mode}
    assert is_refused("compare.schema.json", document)


def test_few_rounds_have_no_intervals_and_are_valid() -> None:
    document = compare_document()
    for mode in document["modes"]:
        for figures in (mode["work_ns"], mode["setup_ns"], mode["speedup"]):
            figures |= {"low": None, "high": None}
    document["verdict"] |= {"kind": "too_few_rounds", "best_mode": None}
    validator("compare.schema.json").validate(document)


def test_refusal_names_the_place() -> None:
    document = compare_document()
    document["modes"][1]["gil"] = "both"
    with pytest.raises(ValidationError) as refusal:
        validator("compare.schema.json").validate(document)
    assert refusal.value.json_path == "$.modes[1].gil"


@pytest.mark.parametrize(
    ("row", "key", "value"),
    [
        (0, "latency_ns", None),  # without a reason
        (0, "latency_ns", 1.5),
        (0, "bytes_per_s", 0),
        (0, "bytes", 0),
        (0, "repeats", 0),
        (0, "reason", "why"),  # with figures
        (0, "way", "telepathy"),
        (0, "between", "people"),
        (-1, "repeats", 3),  # without figures
        (-1, "reason", None),
        (-1, "reason", ""),
    ],
)
def test_exchange_with_a_value_that_makes_no_sense_is_refused(row: int, key: str, value: object) -> None:
    document = read(GOLDEN / "exchange.json")
    document["rows"][row][key] = value
    assert is_refused("exchange.schema.json", document)


@pytest.mark.parametrize(
    ("row", "key", "value"),
    [
        (0, "method", "vfork"),
        (0, "processes", None),
        (0, "processes", []),  # without a reason
        (0, "processes", [{"pid": 0, "role": "program"}]),
        (0, "processes", [{"pid": 1, "role": "manager"}]),
        (0, "processes", [{"pid": 1.5, "role": "worker"}]),
        (0, "reason", "why"),  # with processes
        (-1, "reason", None),
        (-1, "reason", ""),
        (-1, "processes", [{"pid": 1, "role": "program"}]),
    ],
)
def test_process_count_with_a_value_that_makes_no_sense_is_refused(row: int, key: str, value: object) -> None:
    document = read(GOLDEN / "process_count.json")
    document["methods"][row][key] = value
    assert is_refused("process-count.schema.json", document)


def summary_document() -> Any:
    return read(GOLDEN / "summary.json")


@pytest.mark.parametrize(
    ("place", "value"),
    [
        (("exit_code",), 256),
        (("exit_code",), -2),
        (("wall_ns",), -1),
        (("wall_ns",), 0.5),
        (("command",), []),
        (("probe", "clock"), "sundial"),
        (("probe", "events"), -1),
        (("probe", "events"), None),
        (("probe", "cost_share"), -0.1),
        (("probe", "overwritten"), 0),
        (("verdict", "kind"), "fine"),
        (("verdict", "kind"), "no_gil"),  # with a wait share
        (("verdict", "wait_share"), None),
        (("verdict", "wait_share"), 1.5),
        (("verdict", "ceiling"), 2.0),  # of several threads
        (("processes", 0, "pid"), 0),
        (("processes", 0, "start_method"), "vfork"),
        (("processes", 0, "cpu_ns"), "1"),
        (("processes", 0, "gils", 0, "interpreters"), ["main"]),
        (("processes", 0, "gils", 0, "hold_share"), 1.01),
        (("processes", 0, "threads", 0, "id"), 0),  # an unknown is null, never 0
        (("processes", 0, "threads", 0, "name"), ""),
        (("processes", 0, "threads", 0, "hold", "max_ns"), None),
    ],
)
def test_summary_with_a_value_that_makes_no_sense_is_refused(place: tuple[str | int, ...], value: object) -> None:
    document = summary_document()
    at(document, place[:-1])[place[-1]] = value
    assert is_refused("summary.schema.json", document)


def test_ceiling_is_of_one_thread_and_at_least_one() -> None:
    document = summary_document()
    for ceiling, is_valid in [(1.0, True), (25.5, True), (None, True), (0.9, False)]:
        document["verdict"] |= {"kind": "one_thread", "wait_share": 0.0, "waiters": 0.0, "ceiling": ceiling}
        assert is_refused("summary.schema.json", document) != is_valid, ceiling


def test_golden_summary_shows_what_is_special_about_processes_and_threads() -> None:
    processes = summary_document()["processes"]
    assert {process["start_method"] for process in processes} == {None, "fork", "spawn", "forkserver"}
    assert {process["cpu_ns"] is None for process in processes} == {True, False}
    threads = processes[0]["threads"]
    assert {thread["gil"] for thread in threads} == {0, 1}
    assert {thread["id"] is None for thread in threads} == {True, False}
    assert {thread["name"] is None for thread in threads} == {True, False}
    assert {thread["wait"] is None for thread in threads} == {True, False}


def test_golden_flavours_show_every_status_and_every_verdict() -> None:
    rows = read(GOLDEN / "flavours.json")["rows"]
    assert {row["status"] for row in rows} == {"ok", "missing", "failed", "timeout"}
    assert {row["has_gil"] for row in rows if row["status"] == "ok"} == {True, False, None}


@pytest.mark.parametrize(
    ("row", "key", "value"),
    [
        (0, "has_gil", None),  # without a reason
        (0, "has_gil", "yes"),
        (0, "reason", "why"),  # of a verdict
        (0, "ratio", None),
        (0, "version", None),
        (0, "sequential_s", 0),
        (0, "free_ratio", 1.1),
        (0, "status", "crashed"),
        (0, "status", "failed"),  # with figures
        (3, "reason", ""),
        (3, "has_gil", True),
        (3, "status", "ok"),
    ],
)
def test_flavour_with_a_value_that_makes_no_sense_is_refused(row: int, key: str, value: object) -> None:
    document = read(GOLDEN / "flavours.json")
    document["rows"][row][key] = value
    assert is_refused("flavours.schema.json", document)


def article_document() -> Any:
    return read(GOLDEN / "article.json")


def test_golden_article_shows_every_claim_and_every_verdict() -> None:
    claims = article_document()["claims"]
    assert [claim["id"] for claim in claims] == list(range(1, 14))
    assert {claim["verdict"] for claim in claims} == {"holds", "does not hold", "not testable here"}


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("python", "version"), None),
        (("iterations",), 0),
        (("scale",), -1),
        (("complete",), None),
        (("programs", 0, "wall_ns"), 1.5),
        (("programs", 0, "reason"), "why"),  # of one that ran
        (("programs", 0, "summary", "schema"), "gilscope.compare/1"),
        (("programs", 0, "summary", "processes", 0, "pid"), None),
        (("programs", -1, "reason"), None),  # of one that did not
        (("programs", -1, "lines"), ["a line"]),
        (("claims", 0, "id"), 14),
        (("claims", 0, "verdict"), "maybe"),
        (("claims", 0, "reason"), ""),
        (("claims", 0, "measured"), {"Holds": 1}),
        (("claims", 0, "measured"), {"holds": "many"}),
        (("claims", 0, "measured"), {"holds": -1}),
        (("claims", 0, "measured"), {"speedup": {"median": 1, "low": None}}),
        (("seconds", 0, "mode"), "asyncio"),
        (("comparisons", "counting", "modes", 0, "status"), "failed"),
        (("comparisons", "counting", "modes"), []),
        (("forced_holds", 0, "forced_hold_ns"), [0.5]),
        (("forced_holds", 0, "reason"), "why"),
        (("process_counts", 0, "roles"), []),
        (("process_counts", -1, "reason"), None),
        (("exchange", 0, "latency_ns"), None),
        (("exchange", -1, "reason"), None),
        (("flavours", 0, "status"), "missing"),
        (("flavours", 0, "has_gil"), None),  # without a reason
        (("flavours", 2, "status"), "ok"),
    ],
    ids=lambda value: ".".join(map(str, value)) if isinstance(value, tuple) else None,
)
def test_article_with_a_value_that_makes_no_sense_is_refused(path: tuple[str | int, ...], value: object) -> None:
    document = article_document()
    assert at(document, path) != value
    at(document, path[:-1])[path[-1]] = value
    assert is_refused("article.schema.json", document)
