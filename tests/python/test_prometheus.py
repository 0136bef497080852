"""gilscope.prometheus.collector(): what a registry of prometheus_client makes of it."""

import dataclasses
import subprocess
import sys
import threading

import pytest
from tests.python.contention import LONG_NS, forced_releases, make_wait

import gilscope

pytest.importorskip("prometheus_client", reason="prometheus_client is in the dependency group integrations")
pytestmark = pytest.mark.alone  # most trace the process of the tests

from prometheus_client import CollectorRegistry, generate_latest  # noqa: E402
from prometheus_client.openmetrics import exposition, parser  # noqa: E402
from prometheus_client.parser import text_string_to_metric_families  # noqa: E402

import gilscope.prometheus  # noqa: E402

has_gil = getattr(sys, "_is_gil_enabled", lambda: True)()
with_gil = pytest.mark.skipif(not has_gil, reason="this Python has no GIL")

COUNTERS = {
    "gilscope_gil_held_seconds",
    "gilscope_gil_holds",
    "gilscope_gil_waited_seconds",
    "gilscope_gil_waits",
    "gilscope_gil_forced_releases",
}
TIMES = {"gilscope_thread_seconds"}
GAUGES = {"gilscope_gil_enabled", "gilscope_trace_complete"}


def scrape(registry) -> dict[tuple[str, ...], float]:
    """Each sample by its name and its labels."""
    families = text_string_to_metric_families(generate_latest(registry).decode())
    return {(s.name, *s.labels.values()): s.value for family in families for s in family.samples}


@pytest.fixture
def registry():
    return CollectorRegistry()


@pytest.fixture
def collector(registry):
    with gilscope.trace() as trace:  # ends it, unless the test did
        collector = gilscope.prometheus.collector(trace=trace)
        registry.register(collector)
        yield collector


@with_gil
def test_the_samples_are_the_figures_of_the_trace(registry, collector) -> None:
    make_wait(collector.trace, lambda summary: forced_releases(summary) > 0)
    summary = collector.trace.stop()
    samples = scrape(registry)
    rows = {row.name: row for row in summary.processes[0].threads}
    for name, row in rows.items():
        assert samples["gilscope_gil_held_seconds_total", "0", name] == row.hold_ns / 1e9
        assert samples["gilscope_gil_holds_total", "0", name] == row.holds
        assert samples["gilscope_gil_waited_seconds_total", "0", name] == row.wait_ns / 1e9
        assert samples["gilscope_gil_waits_total", "0", name] == row.waits
        assert samples["gilscope_gil_forced_releases_total", "0", name] == row.forced
    assert set(rows) == {"MainThread", "waiter"}
    assert samples["gilscope_gil_waited_seconds_total", "0", "waiter"] > LONG_NS / 1e9
    assert samples["gilscope_gil_forced_releases_total", "0", "MainThread"] >= 1
    for name, row in rows.items():
        assert row.states
        states = {key[1]: value for key, value in samples.items() if "thread_seconds" in key[0] and name in key}
        assert states == {state: ns / 1e9 for state, ns in dataclasses.asdict(row.states).items()}
    assert (samples["gilscope_gil_enabled",], samples["gilscope_trace_complete",]) == (1, 1)


@with_gil
def test_the_labels_are_called_gil_and_thread(registry, collector) -> None:
    families = {family.name: family for family in registry.collect()}
    assert families.keys() == COUNTERS | TIMES | GAUGES
    for name in COUNTERS:
        assert [sample.labels for sample in families[name].samples] == [{"gil": "0", "thread": "MainThread"}]
    assert {sample.labels["thread"] for sample in families["gilscope_thread_seconds"].samples} == {"MainThread"}


@with_gil
def test_names_of_any_kind_survive_both_expositions(registry, collector) -> None:
    name = 'a "quoted"\\ näme\n\udcff'
    thread = threading.Thread(target=gilscope.release, args=(0,), name=name)
    thread.start()
    thread.join()
    told = 'a "quoted"\\ näme\n\\udcff'
    assert scrape(registry)["gilscope_gil_holds_total", "0", told] >= 1
    families = parser.text_string_to_metric_families(exposition.generate_latest(registry).decode())
    assert told in {sample.labels.get("thread") for family in families for sample in family.samples}


@with_gil
def test_the_bound_and_the_labels_are_those_asked_for(registry) -> None:
    with gilscope.trace() as trace:
        collector = gilscope.prometheus.collector(trace=trace, max_series=2, label=str.upper)
        assert collector.trace is trace
        registry.register(collector)
        for name in "abc":
            thread = threading.Thread(target=gilscope.release, args=(0,), name=name)
            thread.start()
            thread.join()
        samples = scrape(registry)
        names = {labels[1] for name, *labels in samples if labels and "thread_seconds" not in name}
        assert {labels[1] for name, *labels in samples if "thread_seconds" in name} == names
    assert names == {"MAINTHREAD", "A", "(other)"}


def test_a_collector_by_itself_begins_a_trace_that_its_owner_may_end(registry) -> None:
    collector = gilscope.prometheus.collector()
    registry.register(collector)
    collector.trace.stop()
    assert scrape(registry) == scrape(registry)
    with gilscope.trace():
        pass


def test_a_registry_learns_the_names_without_a_snapshot_and_refuses_a_second(registry, collector) -> None:
    assert {family.name for family in collector.describe()} == COUNTERS | TIMES | GAUGES
    assert not any(family.samples for family in collector.describe())
    with pytest.raises(ValueError, match="Duplicated"):
        registry.register(gilscope.prometheus.collector(trace=collector.trace))


@pytest.mark.skipif(has_gil, reason="this Python has a GIL")
def test_without_a_gil_there_is_no_counter_and_no_zero(registry, collector) -> None:
    samples = scrape(registry)
    assert samples.pop(("gilscope_gil_enabled",)) == 0
    assert {name for name, *_ in samples} == {"gilscope_thread_seconds_total"}
    assert samples["gilscope_thread_seconds_total", "running", "MainThread"] > 0


def test_the_package_imports_neither_library_by_itself() -> None:
    code = (
        "import sys, gilscope; gilscope.trace; gilscope.Summary\n"
        "assert not {'prometheus_client', 'opentelemetry'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)


@pytest.mark.parametrize(
    ("module", "library", "extra"),
    [("prometheus", "prometheus_client", "prometheus"), ("opentelemetry", "opentelemetry", "otel")],
)
def test_a_missing_library_is_one_error_that_names_the_extra(module, library, extra) -> None:
    code = f"import sys; sys.modules[{library!r}] = None\nimport gilscope.{module}"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert done.returncode == 1
    assert done.stderr.count("Traceback") == 1
    assert done.stderr.splitlines()[-1].startswith(f"ImportError: gilscope.{module} needs ")
    assert done.stderr.splitlines()[-1].endswith(f"; try: pip install 'gilscope[{extra}]'")
