"""The pytest plugin, in runs of pytest of its own, on extensions that are known to release the GIL or to keep it."""

import re
import sys
import textwrap
from importlib.util import find_spec
from pathlib import Path

import pytest

pytest_plugins = "pytester"
has_gil = getattr(sys, "_is_gil_enabled", lambda: True)()
with_gil = pytest.mark.skipif(not has_gil, reason="this Python has no GIL")

# Shares of bodies that compute for long beside what pytest does around them: a busy machine stretches both alike.
RELEASES = "@pytest.mark.releases_gil(share=0.7)"


@pytest.fixture
def run(pytester):
    """Runs tests, and says how they ended and all that was printed."""

    pytester.makeini("[pytest]")  # no other configuration, of a folder above it

    def run_tests(code: str, *options: str) -> pytest.RunResult:
        pytester.makepyfile("import pytest, gilscope\n" + textwrap.dedent(code))
        done: pytest.RunResult = pytester.runpytest_subprocess(
            "-p", "no:cacheprovider", "-W", "error", "--strict-markers", *options
        )
        return done

    return run_tests


def body(statements: str, markers: str = RELEASES) -> str:
    return f"{markers}\ndef test_it():\n" + textwrap.indent(textwrap.dedent(statements).strip(), "    ") + "\n"


# releases_gil

EXTENSIONS = Path(__file__).parents[1] / "programs" / "release_or_keep.py"


@with_gil
def test_extensions_are_told_apart(run) -> None:
    has_numpy = find_spec("numpy") is not None
    done = run(EXTENSIONS.read_text(), "-v")
    done.assert_outcomes(passed=3 + has_numpy, failed=4 + has_numpy, skipped=0 if has_numpy else 2)
    ends = dict(re.findall(r"::test_(\w+) (PASSED|FAILED)", done.stdout.str()))
    assert {name: end == "PASSED" for name, end in ends.items()} == {name: name.endswith("releases") for name in ends}


@with_gil
def test_a_failure_says_who_held_the_gil_for_how_long_and_how_often(run) -> None:
    done = run(body("gilscope.release(1)\ngilscope.hold(50_000_000)", "@pytest.mark.releases_gil"))
    done.assert_outcomes(failed=1)
    done.stdout.re_match_lines(
        [
            r"the code released the GIL for .* % of its time, and 90 % is asked for",
            r"it took [\d.]+ m?s",
            r"  MainThread held the GIL for [\d.]+ m?s \(\d+ %\) in \d+ holds, the longest of [\d.]+ m?s, 0 forced",
            r"    from \S+:4 test_it to the end: [\d.]+ m?s in 1 hold",
            r"    from the begin \(\S+:2 test_it\) to \S+:4 test_it: [\d.]+ .s in 1 hold",
        ],
        consecutive=True,
    )


@with_gil
def test_a_failure_names_the_lines_of_a_thread_and_of_who_called_a_library(run) -> None:
    done = run(
        body(
            """
            import threading, time
            def work():
                time.sleep(0)
                gilscope.hold(100_000_000)
            thread = threading.Thread(target=work, name="guilty")
            thread.start()
            thread.join()
            """
        )
    )
    done.assert_outcomes(failed=1)
    done.stdout.re_match_lines(
        [r"  guilty held the GIL for .*", r"    from \S+:6 test_it.<locals>.work to .*: [\d.]+ m?s in 1 hold"],
        consecutive=True,
    )
    # It waits for the thread inside `threading`.
    done.stdout.re_match_lines([r"    from \S+:\d+ test_it to \S+:10 test_it: .*"])


@with_gil
def test_a_failure_names_the_with_statement_that_never_gave_the_gil_up(run) -> None:
    done = run(
        """
        @pytest.mark.max_gil_hold("5ms")
        def test_it(gil):
            with gil:
                gilscope.hold(10_000_000)
        """
    )
    done.assert_outcomes(failed=1)
    done.stdout.re_match_lines([r"    from the begin \(\S+\.py:5 test_it\) to the end: [\d.]+ m?s in 1 hold"])


@with_gil
def test_threads_that_the_test_starts_are_part_of_it(run) -> None:
    done = run(
        body(
            """
            import threading
            thread = threading.Thread(target=gilscope.hold, args=(100_000_000,), name="guilty")
            thread.start()
            thread.join()
            """
        )
    )
    done.assert_outcomes(failed=1)
    done.stdout.fnmatch_lines(["*guilty held the GIL for *"])


BYSTANDER = """
import threading
@pytest.fixture
def bystander():
    stop = threading.Event()
    def work():
        while not stop.is_set():
            gilscope.count(1_000_000)
    thread = threading.Thread(target=work, name="bystander")
    thread.start()
    yield
    stop.set()
    thread.join()

"""


@with_gil
@pytest.mark.parametrize(("call", "passes"), [("gilscope.release", True), ("gilscope.count", False)])
def test_what_a_bystander_holds_and_the_wait_for_it_are_not_the_tests(run, call, passes) -> None:
    code = body(f"{call}(100_000_000)").replace("test_it()", "test_it(bystander)")
    done = run(BYSTANDER + code)
    done.assert_outcomes(passed=int(passes), failed=int(not passes))
    if not passes:
        done.stdout.fnmatch_lines(
            ["it took * of it waiting for the GIL", "*bystander, a bystander, held the GIL for *"]
        )


# max_gil_hold


@with_gil
@pytest.mark.parametrize(("limit", "passes"), [("20s", True), ("0.05 s", False), ("50ms", False), ("50_000us", None)])
def test_the_longest_single_hold_is_judged(run, limit, passes) -> None:
    done = run(body("gilscope.hold(100_000_000)", f"@pytest.mark.max_gil_hold({limit!r})"))
    if passes is None:
        assert done.ret == pytest.ExitCode.USAGE_ERROR
        return
    done.assert_outcomes(passed=int(passes), failed=int(not passes))
    if not passes:
        done.stdout.re_match_lines(
            [r"the code held the GIL for [\d.]+ m?s at a time, and at most 50.0 ms is asked for"]
        )


@with_gil
def test_many_short_holds_are_no_long_one(run) -> None:
    done = run(
        body(
            "for _ in range(100):\n    gilscope.hold(10_000_000)\n    gilscope.release(1)",
            "@pytest.mark.max_gil_hold('900ms')",
        )
    )
    done.assert_outcomes(passed=1)


@with_gil
def test_both_markers_are_judged(run) -> None:
    done = run(body("gilscope.hold(50_000_000)", f"{RELEASES}\n@pytest.mark.max_gil_hold('1ms')"))
    done.assert_outcomes(failed=1)
    done.stdout.fnmatch_lines(["the code released *", "the code held *"])


# What else a test may be


@with_gil
def test_the_closest_marker_counts(run) -> None:
    done = run(
        """
        @pytest.mark.releases_gil(share=0.7)
        class TestAll:
            def test_as_the_class_says(self):
                gilscope.hold(50_000_000)
            @pytest.mark.releases_gil(share=0.0001)
            def test_of_its_own(self):
                gilscope.hold(1_000_000)
                gilscope.release(50_000_000)
        """
    )
    done.assert_outcomes(passed=1, failed=1)


@with_gil
def test_methods_of_unittest_are_judged_too(run) -> None:
    done = run(
        """
        import unittest
        @pytest.mark.releases_gil(share=0.7)
        class Case(unittest.TestCase):
            def test_bad(self):
                gilscope.hold(50_000_000)
            def test_good(self):
                gilscope.release(50_000_000)
        """
    )
    done.assert_outcomes(passed=1, failed=1)


@with_gil
def test_a_test_that_fails_by_itself_keeps_its_error_and_an_expected_failure_is_one(run) -> None:
    done = run(
        body("assert 1 == 2")
        + body("gilscope.hold(50_000_000)", f"{RELEASES}\n@pytest.mark.xfail(strict=True)").replace("_it", "_xfail")
        + body("pytest.skip('not now')").replace("_it", "_skip")
        + body("pass", "").replace("_it", "_afterwards")
    )
    done.assert_outcomes(failed=1, xfailed=1, skipped=1, passed=1)
    done.stdout.no_fnmatch_line("*released the GIL*")


@pytest.mark.parametrize(
    "marker",
    [
        "releases_gil(share=2)",
        "releases_gil(share=0)",
        "releases_gil(share='0.9')",
        "releases_gil(True)",
        "releases_gil(share=float('nan'))",
        "releases_gil(shares=0.9)",
        "releases_gil(0.9, 0.9)",
        "max_gil_hold",
        "max_gil_hold()",
        "max_gil_hold(5)",
        "max_gil_hold('5')",
        "max_gil_hold('0ms')",
        "max_gil_hold('5 minutes')",
        "max_gil_hold('-5ms')",
    ],
)
def test_a_wrong_marker_is_a_usage_error_that_names_the_test(pytester, marker) -> None:
    pytester.makepyfile("import pytest\n" + body("pass", f"@pytest.mark.{marker}"))
    done = pytester.runpytest_inprocess("-p", "no:cacheprovider")  # nothing runs: quicker than a process
    assert done.ret == pytest.ExitCode.USAGE_ERROR
    name = marker.partition("(")[0]
    done.stderr.fnmatch_lines([f"ERROR: *.py::test_it: wrong marker {name}: *"])
    assert "Traceback" not in done.stderr.str() + done.stdout.str()


def test_the_markers_are_described(run) -> None:
    done = run(body("pass"), "--markers")
    done.stdout.fnmatch_lines(["@pytest.mark.releases_gil*", "@pytest.mark.max_gil_hold*"])


# The fixture


@with_gil
def test_the_fixture_measures_the_code_within(run) -> None:
    done = run(
        """
        def test_it(gil):
            gilscope.hold(50_000_000)
            with gil as same:
                gilscope.release(100_000_000)
            assert same is gil
            assert gil.released_share > 0.7
            assert gil.wall_ns >= 100_000_000 > gil.held_ns
            with gil:
                gilscope.hold(100_000_000)
            assert gil.released_share < 0.3
            assert gil.longest_hold_ns >= 100_000_000
            assert gil.holds >= 1
            assert gil.summary.processes[0].threads
            assert len(gil.measurements) == 2
        """
    )
    done.assert_outcomes(passed=1)


@with_gil
def test_with_the_fixture_the_markers_judge_the_code_within_alone(run) -> None:
    done = run(
        """
        @pytest.mark.releases_gil(share=0.7)
        def test_good(gil):
            gilscope.hold(200_000_000)
            with gil:
                gilscope.release(50_000_000)

        @pytest.mark.releases_gil(share=0.7)
        def test_bad(gil):
            with gil:
                gilscope.release(50_000_000)
            with gil:
                gilscope.hold(50_000_000)

        @pytest.mark.releases_gil(share=0.7)
        def test_nothing(gil):
            pass
        """
    )
    done.assert_outcomes(passed=1, failed=2)
    done.stdout.fnmatch_lines(["*but no code in a `with gil:`*"])


@with_gil
def test_what_measuring_costs_is_not_the_codes(run) -> None:
    done = run(
        """
        def test_it(gil):
            for _ in range(20):
                with gil:
                    gilscope.release(20_000_000)
            # Of any one, the kernel may have taken the processor at the wrong moment.
            assert min(measurement.held_ns for measurement in gil.measurements) < 100_000
        """
    )
    done.assert_outcomes(passed=1)


@with_gil
def test_the_fixture_says_what_is_wrong_with_its_use(run) -> None:
    done = run(
        """
        def test_it(gil):
            with pytest.raises(gilscope.Error, match="nothing was measured yet"):
                gil.released_share
            with gil:
                with pytest.raises(gilscope.Error, match="measures already"):
                    with gil:
                        pass
            with gilscope.trace(), pytest.raises(gilscope.Error, match="already runs"):
                with gil:
                    pass
            with pytest.raises(ZeroDivisionError), gil:
                1 / 0
            assert len(gil.measurements) == 2
        """
    )
    done.assert_outcomes(passed=1)


# Where the GIL cannot be measured


@pytest.mark.skipif(has_gil, reason="this Python has a GIL")
def test_without_a_gil_tests_are_skipped_with_the_reason(run) -> None:
    done = run(body("pass") + "def test_fixture(gil): pass\n", "-rs")
    done.assert_outcomes(skipped=2)
    done.stdout.fnmatch_lines(["*this Python is free-threaded, and its GIL is off"])


@with_gil
def test_where_the_probe_refuses_tests_are_skipped_with_the_reason(run, pytester) -> None:
    pytester.makeconftest("import gilscope\nrunning = gilscope.trace()\nrunning.start()\n")
    code = body("pass") + "def test_fixture(gil): pass\ndef test_other(): pass\n"
    for options in ([], ["--gil-report"]):
        done = run(code, "-rs", *options)
        done.assert_outcomes(skipped=2, passed=1)
        done.stdout.fnmatch_lines(["*the GIL cannot be measured: *already runs*"])


# --gil-report


REPORTED = """
def test_quiet():
    gilscope.release(50_000_000)
def test_loud():
    gilscope.hold(200_000_000)
def test_within(gil):
    gilscope.hold(200_000_000)
    with gil:
        gilscope.hold(100_000_000)
"""


@with_gil
@pytest.mark.parametrize("workers", [[], ["-n", "2"]], ids=["alone", "xdist"])
def test_the_report_lists_the_worst_tests(run, workers) -> None:
    if workers:
        pytest.importorskip("xdist")
    done = run(REPORTED, "--gil-report", *workers)
    done.assert_outcomes(passed=3)
    done.stdout.re_match_lines(
        [
            r"=+ the GIL: the 10 tests that held it longest =+",
            r" +held  of the test  longest hold  test",
            r" *[\d.]+ m?s +\d+ % +[\d.]+ m?s  .*::test_loud",
            r" *[\d.]+ m?s +\d+ % +[\d.]+ m?s  .*::test_within",
            r" *[\d.]+ .?s +[\d.]+ % +[\d.]+ .?s  .*::test_quiet",
        ],
        consecutive=True,
    )


def test_without_the_option_nothing_is_reported(run) -> None:
    run(REPORTED.replace("_000", "")).stdout.no_fnmatch_line("*the GIL: the*")


@with_gil
def test_the_markers_work_in_workers_of_xdist(run) -> None:
    pytest.importorskip("xdist")
    done = run(
        body("gilscope.hold(50_000_000)") + body("gilscope.release(50_000_000)").replace("_it", "_good"), "-n", "2"
    )
    done.assert_outcomes(passed=1, failed=1)
    done.stdout.fnmatch_lines(["*MainThread held the GIL for *"])


def test_a_wrong_marker_is_named_by_xdist_too(run) -> None:
    pytest.importorskip("xdist")
    done = run(body("pass", "@pytest.mark.max_gil_hold"), "-n", "2")
    done.assert_outcomes(errors=1)
    done.stdout.fnmatch_lines(["*::test_it: wrong marker max_gil_hold: *"])
