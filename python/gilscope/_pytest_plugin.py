"""The pytest plugin: the fixture `gil`, the markers `releases_gil` and `max_gil_hold`, and `--gil-report`.

pytest imports it in every run, used or not: what measures is imported where it is used.
"""

from __future__ import annotations

import functools
import re
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from gilscope._meter import Measurement, Meter

    Judge = Callable[[Measurement], str | None]  # what is wrong

_UNITS = {"ns": 1, "us": 1_000, "µs": 1_000, "ms": 1_000_000, "s": 1_000_000_000}
_REPORTED = 10  # the worst tests

_measurements: pytest.StashKey[list[Measurement]] = pytest.StashKey()


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add --gil-report."""
    text = f"after the run, list the {_REPORTED} tests that held the GIL longest (each test is traced)"
    parser.getgroup("gilscope").addoption("--gil-report", action="store_true", help=text)


def pytest_configure(config: pytest.Config) -> None:
    """Describe the markers: `pytest --markers`."""
    code = "the test (or the code in its `with gil:`)"
    for line in (
        f"releases_gil(share=0.9): fail where {code} released the GIL for less than this share of its time",
        f'max_gil_hold(time): fail where {code} held the GIL for longer than that, say "5ms", at a time',
    ):
        config.addinivalue_line("markers", line)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Refuse wrong arguments of markers before the first test runs."""
    if hasattr(config, "workerinput"):
        return  # xdist takes a usage error of a worker for a crash: each test tells of its own
    for item in items:
        _judges(item)


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip a test that has a marker where the GIL cannot be measured."""
    try:
        judges = _judges(item)
    except pytest.UsageError as error:
        pytest.fail(str(error), pytrace=False)
    if judges and (reason := _refusal()):
        pytest.skip(reason)


@pytest.fixture
def gil() -> Meter:
    """Measure code within the test: `with gil: work()`, then gil.released_share, gil.longest_hold_ns, gil.holds …"""
    if reason := _refusal():
        pytest.skip(reason)
    from gilscope._meter import Meter

    return Meter()


@pytest.hookimpl(hookwrapper=True, trylast=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, Any, None]:
    """Measure the test's body, or take what its fixture `gil` measured, and judge it."""
    judges = _judges(item)
    if not (judges or (item.config.getoption("gil_report") and not _refusal())):
        yield
        return
    from gilscope._meter import Meter

    fixture = getattr(item, "funcargs", {}).get("gil")
    if isinstance(fixture, Meter):
        meter = fixture
        outcome = yield
    else:
        file, line, name = item.location
        meter = Meter(begin=f"{file}:{(line or 0) + 1} {name}")
        with meter:
            outcome = yield
    item.stash[_measurements] = meter.measurements
    if outcome.excinfo is None and (failure := _judge(meter.measurements, judges)):
        outcome.force_exception(pytest.fail.Exception(failure, pytrace=False))


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, Any, None]:
    """Put the figures into the test's report, which comes from xdist's workers too."""
    outcome = yield
    report = outcome.get_result()
    if report.when == "call" and item.config.getoption("gil_report") and (found := item.stash.get(_measurements, [])):
        report.gil = {
            "held_ns": sum(measurement.held_ns for measurement in found),
            "wall_ns": sum(measurement.wall_ns for measurement in found),
            "longest_hold_ns": max(measurement.longest_hold_ns for measurement in found),
        }


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print the worst tests."""
    if not terminalreporter.config.getoption("gil_report"):
        return
    reports = [report for reports in terminalreporter.stats.values() for report in reports if hasattr(report, "gil")]
    terminalreporter.section(f"the GIL: the {_REPORTED} tests that held it longest")
    if not reports:
        terminalreporter.line(_refusal() or "no test was traced")
        return
    from gilscope._native import format_duration, format_share

    terminalreporter.line("     held  of the test  longest hold  test")
    for report in sorted(reports, key=lambda report: -report.gil["held_ns"])[:_REPORTED]:
        figures = report.gil
        share = format_share(figures["held_ns"] / figures["wall_ns"]) if figures["wall_ns"] else "-"
        held, longest = format_duration(figures["held_ns"]), format_duration(figures["longest_hold_ns"])
        terminalreporter.line(f"{held:>9}  {share:>11}  {longest:>12}  {report.nodeid}")


def releases_gil(share: float = 0.9) -> Judge:
    """Judge by the share of its time in which the code did not hold the GIL."""
    if isinstance(share, bool) or not isinstance(share, int | float) or not 0 < share <= 1:
        raise ValueError(f"its share must be a number above 0 and up to 1, not {share!r}")
    from gilscope._native import format_share

    def judge(measurement: Measurement) -> str | None:
        if measurement.released_share >= share:
            return None
        return (
            f"released the GIL for {format_share(measurement.released_share)} of its time, and {format_share(share)} "
            f"is asked for"
        )

    return judge


def max_gil_hold(time: str) -> Judge:
    """Judge by the longest single hold of the code."""
    match = re.fullmatch(r"(\d+(?:\.\d+)?) ?(ns|us|µs|ms|s)", time) if isinstance(time, str) else None
    limit_ns = round(float(match[1]) * _UNITS[match[2]]) if match else 0
    if limit_ns == 0:
        raise ValueError(f'its time must be a text such as "5ms" (ns, us, ms or s) above 0, not {time!r}')
    from gilscope._native import format_duration

    def judge(measurement: Measurement) -> str | None:
        if measurement.longest_hold_ns <= limit_ns:
            return None
        return (
            f"held the GIL for {format_duration(measurement.longest_hold_ns)} at a time, and at most "
            f"{format_duration(limit_ns)} is asked for"
        )

    return judge


_MARKERS: dict[str, Callable[..., Judge]] = {"releases_gil": releases_gil, "max_gil_hold": max_gil_hold}


def _judges(item: pytest.Item) -> list[Judge]:
    """What the test's markers ask for; of several of a name, the closest one counts. Raises UsageError."""
    judges = []
    for name, make in _MARKERS.items():
        marker = item.get_closest_marker(name)
        if marker is None:
            continue
        try:
            judges.append(make(*marker.args, **marker.kwargs))
        except (TypeError, ValueError) as error:
            raise pytest.UsageError(f"{item.nodeid}: wrong marker {name}: {error}") from None
    return judges


def _judge(measurements: list[Measurement], judges: list[Judge]) -> str | None:
    """What is wrong with the first measurement that is not as asked for, and who held the GIL in it."""
    if judges and not measurements:
        return "the test has a marker of gilscope's and its fixture `gil`, but no code in a `with gil:`"
    for measurement in measurements:
        wrong = [text for judge in judges if (text := judge(measurement))]
        if wrong:
            return "\n".join([f"the code {text}" for text in wrong] + [measurement.describe()])
    return None


@functools.cache
def _refusal() -> str | None:
    """Why the GIL cannot be measured here, found out by a try."""
    import gilscope
    from gilscope._trace import gil_is_enabled

    if not gil_is_enabled():
        return "the GIL cannot be measured: this Python is free-threaded, and its GIL is off"
    try:
        with gilscope.trace() as tried:
            pass
    except gilscope.Error as error:
        return f"the GIL cannot be measured: {error}"
    if not tried.summary.processes:  # a line of the trace's has said why
        return f"the GIL cannot be measured: {tried.summary.verdict.text}"
    return None
