"""tests/pairs.py, on tests that only name what was run: nothing else would notice a case that is left out."""

from collections import Counter

import pytest

pytest_plugins = "pytester"

CONFTEST = """
import pytest
from tests.pairs import choose_pairs

def pytest_collection_modifyitems(items):
    items[:] = choose_pairs(items)

@pytest.fixture(params=["binary", "package"])
def host(request):
    return request.param

@pytest.fixture(params=["counters", "events"])
def summarize(request):
    return request.param
"""


@pytest.fixture
def chosen(pytester):
    """The ids of those that are run, by the name of the test."""
    pytester.makeconftest(CONFTEST)
    pytester.makeini("[pytest]\nmarkers = any_host")

    def chosen(code: str) -> dict[str, list[str]]:
        pytester.makepyfile(f"import pytest\n{code}")
        done = pytester.runpytest_inprocess("--collect-only", "-q", "-p", "no:cacheprovider")
        lines = [line for line in done.stdout.lines if "::" in line]
        found: dict[str, list[str]] = {}
        for line in lines:
            name, _, values = line.rpartition("::")[2].partition("[")
            found.setdefault(name, []).append(values.rstrip("]"))
        return found

    return chosen


def test_every_row_of_a_table_is_run_also_where_others_have_its_pairs(chosen) -> None:
    found = chosen("""
@pytest.mark.parametrize(("a", "b", "c"), [(0, 0, 0), (0, 1, 1), (1, 0, 1), (1, 1, 0), (1, 1, 1)])
def test_it(a, b, c): pass
@pytest.mark.parametrize("a, b", [(0, 0), (0, 1), (1, 0), (1, 1)])
def test_names_in_one_text(a, b): pass
def test_without_parameters(): pass
""")
    assert {name: len(ids) for name, ids in found.items()} == {
        "test_it": 5,
        "test_names_in_one_text": 4,
        "test_without_parameters": 1,
    }


def test_every_pair_of_values_is_run_and_not_every_combination(chosen) -> None:
    (ids,) = chosen("""
@pytest.mark.parametrize("case", ["a", "b", "c", "d"])
@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
def test_it(host, case, method): pass
""").values()
    rows = [values.split("-") for values in ids]  # host, method, case
    for first, second, pairs in ((0, 1, 6), (0, 2, 8), (1, 2, 12)):
        assert len({(row[first], row[second]) for row in rows}) == pairs
    assert len(rows) < 24


def test_host_and_recorder_are_paired_once_a_file(chosen) -> None:
    found = chosen("def test_one(host, summarize): pass\ndef test_other(host, summarize): pass\n")
    assert {name: len(ids) for name, ids in found.items()} == {"test_one": 2, "test_other": 2}
    assert len({values for ids in found.values() for values in ids}) == 4


def test_where_the_host_says_nothing_tests_take_the_hosts_in_turn(chosen) -> None:
    code = "".join(f"@pytest.mark.any_host\ndef test_{number}(host): pass\n" for number in range(6))
    hosts = Counter(values for ids in chosen(code).values() for values in ids)
    assert hosts == {"binary": 3, "package": 3}
