"""The pytest plugin: its rules on measurements written by hand, and what it makes of them in runs of pytest.

Live, it is asked only for what no scheduler decides: a body that keeps the GIL has released it for no time, one that
gives it up for 20 ms for a thousandth of its time at least.
"""

import contextlib
import hashlib
import re
import sqlite3
import sys
import textwrap
import threading
import zlib
from collections.abc import Callable

import pytest
from tests.python.measurements import MS, measure, span, thread

import gilscope
from gilscope import _pytest_plugin as plugin

pytest_plugins = "pytester"
has_gil = getattr(sys, "_is_gil_enabled", lambda: True)()
with_gil = pytest.mark.skipif(not has_gil, reason="this Python has no GIL")


# Measurements written by hand


@pytest.mark.parametrize(
    ("threads", "held", "share"),
    [
        ([thread(held=25)], 25, 0.75),
        ([thread(held=10, waited=60)], 10, 0.75),  # of the 40 ms in which it did not wait
        ([thread(held=10), thread(2, held=15)], 25, 0.75),  # a thread that the code began
        ([thread(held=25), thread(3, held=75, waited=9)], 25, 0.75),  # a bystander
        ([thread(held=25), thread(gil=1, held=50)], 25, 0.75),  # another interpreter's GIL
        ([thread(held=28, lifetime=103)], 25, 0.75),  # 3 ms are what the measurement takes around the code
        ([thread(held=100)], 100, 0),
        ([thread(held=60), thread(2, held=60)], 120, 0),
        ([thread(waited=100)], 0, 0),
        ([], 0, 1),
    ],
)
def test_the_share_is_of_the_time_in_which_the_code_did_not_wait(threads, held, share) -> None:
    measurement = measure(*threads, bystanders={3})
    assert measurement.held_ns == held * MS
    assert measurement.released_share == pytest.approx(share)


def test_what_is_asked_for_is_judged_by_the_share_and_by_the_longest_single_hold() -> None:
    measurement = measure(thread(held=20, longest=10, holds=3), thread(2, held=5), thread(3, held=70), bystanders={3})
    assert measurement.longest_hold_ns == 10 * MS
    assert measurement.holds == 4
    assert plugin.releases_gil(share=0.75)(measurement) is None
    too_little = "released the GIL for 75 % of its time, and 80 % is asked for"
    assert plugin.releases_gil(0.8)(measurement) == too_little
    for limit in ("10ms", "0.01 s", "10000us", "10000 µs", "10000000ns", "1s"):
        assert plugin.max_gil_hold(limit)(measurement) is None
    too_long = "held the GIL for 10.0 ms at a time, and at most 9.00 ms is asked for"
    assert plugin.max_gil_hold("9ms")(measurement) == too_long
    judges = [plugin.releases_gil(), plugin.max_gil_hold("9ms")]
    failure = str(plugin._judge([measure(), measurement], judges)).splitlines()
    assert failure[:2] == [
        "the code released the GIL for 75 % of its time, and 90 % is asked for",
        f"the code {too_long}",
    ]


def test_a_failure_says_who_held_the_gil_for_how_long_how_often_and_from_which_line_to_which() -> None:
    waits_inside = [(threading.__file__, 9), ("a.py", 5)]
    blame = [
        span(None, ("a.py", 3), 1),
        span(("a.py", 3), ("a.py", 3), 12, holds=2),
        span(("a.py", 3), (threading.__file__, 9), 20, stack=waits_inside[1:]),
        span((threading.__file__, 9), None, 17),
        span(("a.py", 3), ("a.py", 4), 2),
    ]
    runner = thread(held=52, longest=20, waited=9, holds=6)
    told = measure(runner, thread(2, held=8), thread(3, held=7), bystanders={3}, blame=blame).describe()
    assert told.splitlines() == [
        "it took 100 ms, 9.00 ms of it waiting for the GIL",
        "  thread 1 held the GIL for 52.0 ms (52 %) in 6 holds, the longest of 20.0 ms, 2 forced",
        "    from a.py:3 f to a.py:5 f: 20.0 ms in 1 hold",
        "    from a.py:5 f to the end: 17.0 ms in 1 hold",
        "    from a.py:3 f to a.py:3 f: 12.0 ms in 2 holds, the longest of 6.00 ms",
        "    (2 spans more, shorter)",
        "  thread 2 held the GIL for 8.00 ms (8.0 %) in 1 hold, the longest of 8.00 ms, 2 forced",
        "  thread 3, a bystander, held the GIL for 7.00 ms (7.0 %) in 1 hold, the longest of 7.00 ms, 2 forced",
    ]
    assert "shorter" not in measure(runner, blame=blame[:3]).describe()


# The fixture, of these tests themselves


@pytest.mark.contract
@with_gil
def test_the_fixture_measures_the_code_within(gil) -> None:
    gilscope.hold(MS)
    with gil as same:
        gilscope.release(50 * MS)
    assert same is gil
    assert gil.wall_ns >= 50 * MS
    assert gil.wall_ns - gil.held_ns >= 49 * MS  # 1 %: the clocks are two
    assert gil.released_share > 0
    with gil:
        gilscope.hold(50 * MS)
    assert gil.released_share < 0.01
    assert gil.longest_hold_ns >= 49 * MS
    assert gil.holds >= 1
    assert gil.summary.processes[0].threads
    assert len(gil.measurements) == 2


@with_gil
def test_the_fixture_says_what_is_wrong_with_its_use(gil) -> None:
    with pytest.raises(gilscope.Error, match="nothing was measured yet"):
        _ = gil.released_share
    with gil, pytest.raises(gilscope.Error, match="measures already"), gil:
        pass
    with pytest.raises(ZeroDivisionError), gil:
        _ = 1 / 0
    assert len(gil.measurements) == 2


@with_gil
def test_a_test_that_is_measured_may_measure_itself(gil) -> None:
    with gilscope.trace() as outer, gil, gilscope.trace() as inner:
        gilscope.hold(20 * MS)
    assert inner.summary.processes[0].gils[0].hold_ns >= 19 * MS
    assert gil.held_ns >= 19 * MS
    assert outer.summary.processes[0].gils[0].hold_ns >= gil.longest_hold_ns


def dot(of: type) -> Callable[[], object]:
    """Of matrices with such elements; skips without numpy."""

    def dot() -> None:
        numpy = pytest.importorskip("numpy", reason="numpy is in the dependency group integrations")
        numpy.ones((100, 100), dtype=of).dot(numpy.ones((100, 100), dtype=of))

    return dot


def query() -> None:
    with contextlib.closing(sqlite3.connect(":memory:")) as connection:
        connection.execute("select 1").fetchall()


@with_gil
@pytest.mark.parametrize(
    ("call", "releases"),
    [
        (lambda: hashlib.sha256(bytes(1 << 20)), True),
        (lambda: hashlib.sha256(b"little"), False),
        (lambda: zlib.compress(bytes(1 << 20)), True),
        (lambda: zlib.crc32(b"little"), False),
        (query, True),
        (lambda: re.search("(a+)+b", "a" * 15), False),
        (dot(float), True),
        (dot(object), False),
    ],
)
def test_extensions_are_told_apart(gil, call, releases) -> None:
    def voluntary(code) -> int:
        with gil:
            code()
        me = threading.get_native_id()
        return sum(row.voluntary for row in gil.summary.processes[0].threads if row.id == me)

    call()  # what it imports at the first time takes the GIL and releases it too
    assert (voluntary(call) > voluntary(lambda: None)) == releases


# Runs of pytest within the process of these tests


@pytest.fixture
def run(pytester, monkeypatch):
    """Runs tests, in this process: `of` has measurements written by hand."""
    monkeypatch.delenv("CI", raising=False)  # where it is set, pytest's summary repeats what failures say
    pytester.makeini("[pytest]")  # no other configuration, of a folder above it

    def run(code: str, *options: str) -> pytest.RunResult:
        imports = "import gilscope, pytest, threading, unittest\nimport tests.python.measurements as of\n"
        pytester.makepyfile(imports + textwrap.dedent(code))
        done: pytest.RunResult = pytester.runpytest_inprocess(
            "-p", "no:cacheprovider", "-W", "error", "--strict-markers", "-v", *options
        )
        return done

    return run


def outcomes(done: pytest.RunResult) -> dict[str, str]:
    """Of each test by its name."""
    return dict(re.findall(r"(?m)^(?:\[gw\d\] \[ *\d+%\] (?=P|F|E))?\S+::(\w+) ([A-Z]+)", done.stdout.str()))


@with_gil
def test_the_body_of_a_test_is_judged_by_its_closest_markers(run) -> None:
    done = run(
        """
        @pytest.mark.releases_gil(share=0.7)
        class TestAll:
            def test_as_the_class_says(self):
                gilscope.hold(1_000_000)
            @pytest.mark.releases_gil(share=0.001)
            def test_of_its_own(self):
                gilscope.hold(1_000_000)
                gilscope.release(20_000_000)

        @pytest.mark.releases_gil(share=0.001)
        class Case(unittest.TestCase):
            def test_case_keeps(self):
                gilscope.hold(1_000_000)
            def test_case_releases(self):
                gilscope.release(20_000_000)

        @pytest.mark.releases_gil
        @pytest.mark.max_gil_hold("1ms")
        def test_both():
            gilscope.hold(2_000_000)

        @pytest.mark.max_gil_hold("1000s")
        def test_short():
            gilscope.hold(1_000_000)

        @pytest.mark.releases_gil
        def test_wrong(): assert 1 == 2

        @pytest.mark.releases_gil
        @pytest.mark.xfail(strict=True)
        def test_expected(): gilscope.hold(1_000_000)

        @pytest.mark.releases_gil
        def test_skipped(): pytest.skip("not now")

        def test_without(): gilscope.hold(1_000_000)
        """
    )
    assert outcomes(done) == {
        "test_as_the_class_says": "FAILED",
        "test_of_its_own": "PASSED",
        "test_case_keeps": "FAILED",
        "test_case_releases": "PASSED",
        "test_both": "FAILED",
        "test_short": "PASSED",
        "test_wrong": "FAILED",
        "test_expected": "XFAIL",
        "test_skipped": "SKIPPED",
        "test_without": "PASSED",
    }
    text = done.stdout.str()
    assert text.count("the code released the GIL for ") == text.count("MainThread held the GIL for ") == 3
    assert text.count("E   assert 1 == 2") == 1
    done.stdout.re_match_lines(
        [
            r"the code released the GIL for .* % of its time, and 90 % is asked for",
            r"the code held the GIL for [\d.]+ .?s at a time, and at most 1\.00 ms is asked for",
            r"it took [\d.]+ .?s.*",
            r"  MainThread held the GIL for [\d.]+ .?s \(\d+ %\) in 1 hold, the longest of [\d.]+ .?s, 0 forced",
            r"    from the begin \(test_\S+:2\d test_both\) to the end: [\d.]+ .?s in 1 hold",
        ],
        consecutive=True,
    )
    assert "the GIL: the" not in text


@with_gil
def test_a_failure_names_threads_and_their_lines_and_bystanders(run) -> None:
    done = run(
        """
        counts = []

        @pytest.fixture
        def bystander():
            over = threading.Event()
            def work():
                while not over.is_set():
                    counts.append(gilscope.count(1000))
            thread = threading.Thread(target=work, name="bystander")
            thread.start()
            yield
            over.set()
            thread.join()

        @pytest.mark.max_gil_hold("1ns")
        def test_it(bystander):
            def work():
                gilscope.release(0)
                gilscope.hold(1_000_000)
            thread = threading.Thread(target=work, name="guilty")
            thread.start()
            thread.join()
            before = len(counts)
            while len(counts) < before + 2:
                gilscope.release(0)

        @pytest.mark.max_gil_hold("1ns")
        def test_within(gil):
            with gil:
                gilscope.hold(1_000_000)
        """
    )
    done.assert_outcomes(failed=2)
    text = done.stdout.str()
    for pattern in (
        # Whose time is up by then is asked for the GIL in the next line.
        r"  guilty held the GIL for .*\n(    .*\n)*    from \S+:21 test_it.<locals>.work to (its end: |\S+:22 test_it)",
        r"  MainThread held the GIL for .*\n",
        r"  bystander, a bystander, held the GIL for ",
        r"    from the begin \(\S+\.py:32 test_within\) to the end: [\d.]+ .?s in 1 hold\n",
    ):
        assert re.search(pattern, text), pattern


REPORTED = """
@pytest.mark.max_gil_hold("15ms")
def test_within(gil):
    gilscope.hold(20_000_000)
    gil.measurements += [of.measure(of.thread(held=10)), of.measure(of.thread(held=12))]
@pytest.mark.max_gil_hold("15ms")
def test_one_is_bad(gil):
    gil.measurements += [of.measure(of.thread(held=16)), of.measure(of.thread(held=1))]
@pytest.mark.releases_gil
def test_none(gil): pass
@pytest.mark.parametrize("held", range(20, 29))
def test_loud(gil, held):
    gil.measurements += [of.measure(of.thread(held=held))]
def test_traced():
    gilscope.hold(50_000_000)
"""


@with_gil
@pytest.mark.parametrize("workers", [[], ["-n", "1"]], ids=["alone", "xdist"])
def test_what_the_fixture_measured_is_judged_alone_and_the_report_has_the_worst_tests(run, workers) -> None:
    wrong = "@pytest.mark.max_gil_hold\ndef test_wrong(): pass\n"
    if workers:
        pytest.importorskip("xdist")
    done = run(REPORTED + (wrong if workers else ""), "--gil-report", *workers)
    done.assert_outcomes(passed=11, failed=2, errors=len(workers) // 2)
    done.stdout.fnmatch_lines(
        ["the code held the GIL for 16.0 ms at a time*", "*and its fixture `gil`, but no code in a `with gil:`"]
    )
    if workers:  # where it is an error of the test: xdist takes a usage error for a crash
        done.stdout.fnmatch_lines(["*::test_wrong: wrong marker max_gil_hold: *"])
    lines = done.stdout.str().splitlines()
    head = next(at for at, line in enumerate(lines) if "the GIL: the 10 tests that held it longest ==" in line)
    assert lines[head + 1] == "     held  of the test  longest hold  test"
    assert re.fullmatch(r" *[\d.]+ m?s +[\d.]+ % +[\d.]+ m?s  \S+::test_traced", lines[head + 2])
    told = [line.rsplit("/", 1)[-1].split("::")[-1] for line in lines[head + 3 : head + 12]]
    assert told == [f"test_loud[{held}]" for held in range(28, 22, -1)] + [
        "test_within",
        "test_loud[22]",
        "test_loud[21]",
    ]
    assert lines[head + 9].startswith("  22.0 ms         11 %       12.0 ms  ")


@pytest.mark.parametrize(
    "arguments",
    [{"share": 2}, {"share": 0}, {"share": "0.9"}, {"share": True}, {"share": float("nan")}, {"shares": 0.9}],
    ids=str,
)
def test_a_share_that_is_none_is_refused(arguments) -> None:
    with pytest.raises((TypeError, ValueError), match="share"):
        plugin.releases_gil(**arguments)


@pytest.mark.parametrize("limit", [5, "5", "0ms", "50_000us", "5 minutes", "-5ms"])
def test_a_limit_that_is_none_is_refused(limit) -> None:
    with pytest.raises(ValueError, match=f'its time must be a text such as "5ms" .*, not {limit!r}'):
        plugin.max_gil_hold(limit)


@pytest.mark.parametrize("marker", ["releases_gil(0.9, 0.9)", "releases_gil(share=2)", "max_gil_hold"])
def test_a_wrong_marker_is_a_usage_error_that_names_the_test(run, marker) -> None:
    done = run(f"@pytest.mark.{marker}\ndef test_it(): pass\n")
    assert done.ret == pytest.ExitCode.USAGE_ERROR
    name = marker.partition("(")[0]
    done.stderr.fnmatch_lines([f"ERROR: *.py::test_it: wrong marker {name}: *"])
    assert "Traceback" not in done.stderr.str() + done.stdout.str()


def test_the_markers_are_described(run) -> None:
    done = run("def test_it(): pass", "--markers")
    done.stdout.fnmatch_lines(["@pytest.mark.releases_gil*", "@pytest.mark.max_gil_hold*"])


# Where the GIL cannot be measured

NOT_MEASURED = "@pytest.mark.releases_gil\ndef test_it(): pass\ndef test_fixture(gil): pass\ndef test_other(): pass\n"


@pytest.fixture
def _asked_anew():
    """Whether the GIL can be measured is found out once a process."""
    plugin._refusal.cache_clear()
    yield
    plugin._refusal.cache_clear()


@pytest.mark.usefixtures("_asked_anew")
@pytest.mark.parametrize("options", [[], ["--gil-report"]])
def test_where_the_gil_cannot_be_measured_tests_are_skipped_with_the_reason(run, options) -> None:
    with contextlib.ExitStack() as as_many_as_may:
        for _ in range(4):
            as_many_as_may.enter_context(gilscope.trace())
        done = run(NOT_MEASURED, "-rs", *options)
    done.assert_outcomes(skipped=2, passed=1)
    why = "already run" if has_gil else "this Python is free-threaded, and its GIL is off"
    done.stdout.fnmatch_lines([f"*the GIL cannot be measured: *{why}*"])


FEW_ADDRESSES = """
import re, resource, pytest
used = int(re.search(r"VmSize:\\s+(\\d+)", open("/proc/self/status").read())[1]) << 10
resource.setrlimit(resource.RLIMIT_AS, (used + (200 << 20), resource.RLIM_INFINITY))
"""


@with_gil
def test_where_addresses_are_few_tests_are_skipped_with_the_reason(pytester: pytest.Pytester) -> None:
    """A marker that nothing measures never passes."""
    pytester.makepyfile(FEW_ADDRESSES + NOT_MEASURED)
    done = pytester.runpytest_subprocess("-rs")
    done.assert_outcomes(skipped=2, passed=1)
    done.stdout.fnmatch_lines(["*the GIL cannot be measured: nothing was recorded of the GIL"])
