"""gilscope.opentelemetry.observe(): what the SDK of OpenTelemetry collects of it."""

import subprocess
import sys
import threading
from collections import defaultdict
from typing import Any

import pytest

import gilscope

pytest.importorskip("opentelemetry.sdk.metrics", reason="opentelemetry-sdk is in the dependency group integrations")
pytestmark = pytest.mark.alone  # all but one trace the process of the tests

from opentelemetry.sdk.metrics import Counter, MeterProvider, ObservableCounter  # noqa: E402
from opentelemetry.sdk.metrics.export import AggregationTemporality, InMemoryMetricReader  # noqa: E402

import gilscope.opentelemetry  # noqa: E402

has_gil = getattr(sys, "_is_gil_enabled", lambda: True)()
with_gil = pytest.mark.skipif(not has_gil, reason="this Python has no GIL")

COUNTERS = {
    "cpython.gil.hold.time": "s",
    "cpython.gil.holds": "{hold}",
    "cpython.gil.wait.time": "s",
    "cpython.gil.waits": "{wait}",
    "cpython.gil.forced_releases": "{release}",
    "gilscope.thread.time": "s",
}
GAUGES = {"cpython.gil.enabled": "1", "gilscope.trace.complete": "1"}


def collect(reader) -> dict[str, Any]:
    """Each metric by its name."""
    data = reader.get_metrics_data()
    scopes = [scope for resource in (data.resource_metrics if data else []) for scope in resource.scope_metrics]
    return {metric.name: metric for scope in scopes for metric in scope.metrics}


def values(metric) -> dict[str, float]:
    """Each value by the name of its threads."""
    return {point.attributes["thread.name"]: point.value for point in metric.data.data_points}


def run_thread(name) -> None:
    thread = threading.Thread(target=gilscope.release, args=(0,), name=name)
    thread.start()
    thread.join()


@pytest.fixture
def reader():
    return InMemoryMetricReader()


@pytest.fixture
def meter(reader):
    provider = MeterProvider([reader])
    yield provider.get_meter("of the test")
    provider.shutdown()


@with_gil
def test_the_values_are_the_figures_of_the_trace(reader, meter) -> None:
    trace = gilscope.opentelemetry.observe(meter)
    run_thread("worker")
    gilscope.hold(5_000_000)
    summary = trace.stop()
    metrics = collect(reader)
    assert {name: metric.unit for name, metric in metrics.items()} == {**COUNTERS, **GAUGES}
    rows = {row.name: row for row in summary.processes[0].threads}
    assert values(metrics["cpython.gil.hold.time"]) == {name: row.hold_ns / 1e9 for name, row in rows.items()}
    assert values(metrics["cpython.gil.wait.time"]) == {name: row.wait_ns / 1e9 for name, row in rows.items()}
    for name, figure in [("holds", "holds"), ("waits", "waits"), ("forced_releases", "forced")]:
        metric = metrics[f"cpython.gil.{name}"]
        assert values(metric) == {name: getattr(row, figure) for name, row in rows.items()}
        assert metric.data.is_monotonic
        assert metric.data.aggregation_temporality == AggregationTemporality.CUMULATIVE
    points = metrics["cpython.gil.holds"].data.data_points
    assert {point.attributes["cpython.gil.id"] for point in points} == {"0"}
    assert [metrics[name].data.data_points[0].value for name in GAUGES] == [1, 1]
    blocked = {
        point.attributes["thread.name"]: point.value
        for point in metrics["gilscope.thread.time"].data.data_points
        if point.attributes["gilscope.thread.state"] == "blocked"
    }
    assert blocked == {row.name: row.states.blocked / 1e9 for row in rows.values() if row.states}


@with_gil
def test_all_counters_of_a_collection_are_of_one_snapshot(reader, meter, monkeypatch) -> None:
    with gilscope.trace() as trace:
        gilscope.opentelemetry.observe(meter, trace=trace)
        snapshot, taken = trace.snapshot, []

        def take() -> gilscope.Summary:
            taken.append(snapshot())
            return taken[-1]

        monkeypatch.setattr(trace, "snapshot", take)
        for collections in (1, 2, 3):
            collect(reader)
            assert len(taken) == collections


@with_gil
def test_differences_sum_to_the_counters() -> None:
    reader = InMemoryMetricReader(
        preferred_temporality=dict.fromkeys((Counter, ObservableCounter), AggregationTemporality.DELTA)
    )
    sums: dict[str, float] = defaultdict(float)
    with gilscope.trace() as trace:
        gilscope.opentelemetry.observe(MeterProvider([reader]).get_meter("of the test"), trace=trace)
        for name in "aba":
            run_thread(name)
            for thread, value in values(collect(reader)["cpython.gil.holds"]).items():
                assert value >= 0
                sums[thread] += value
    for thread, value in values(collect(reader)["cpython.gil.holds"]).items():
        sums[thread] += value
    holds: dict[str, float] = defaultdict(float)
    for row in trace.summary.processes[0].threads:
        holds[row.name or "(unnamed)"] += row.holds
    assert sum(sums.values()) == sum(holds.values())
    assert sums["MainThread"] == holds["MainThread"]


@with_gil
def test_the_bound_and_the_labels_are_those_asked_for(reader, meter) -> None:
    with gilscope.trace() as trace:
        assert gilscope.opentelemetry.observe(meter, trace=trace, max_series=2, label=str.upper) is trace
        for name in "abc":
            run_thread(name)
        assert values(collect(reader)["cpython.gil.holds"]).keys() == {"MAINTHREAD", "A", "(other)"}


def test_what_is_refused_adds_no_instrument(reader, meter) -> None:
    with pytest.raises(ValueError, match="max_series"):
        gilscope.opentelemetry.observe(meter, max_series=0)
    with pytest.raises(gilscope.Error, match=r"try: its start\(\)"):
        gilscope.opentelemetry.observe(meter, trace=gilscope.trace())
    assert collect(reader) == {}


@pytest.mark.skipif(has_gil, reason="this Python has a GIL")
def test_without_a_gil_there_is_no_counter_and_no_zero(reader, meter) -> None:
    gilscope.opentelemetry.observe(meter).stop()
    metrics = collect(reader)
    assert set(metrics) == {"cpython.gil.enabled", "gilscope.thread.time"}
    assert metrics["cpython.gil.enabled"].data.data_points[0].value == 0


def test_the_global_provider_may_come_later_than_the_counters() -> None:
    code = """
import gilscope.opentelemetry
from opentelemetry import metrics
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
gilscope.opentelemetry.observe()
reader = InMemoryMetricReader()
metrics.set_meter_provider(MeterProvider([reader]))
(scope,) = reader.get_metrics_data().resource_metrics[0].scope_metrics
assert (scope.scope.name, scope.scope.version) == ("gilscope", gilscope.__version__)
assert "cpython.gil.enabled" in {metric.name for metric in scope.metrics}
"""
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)
