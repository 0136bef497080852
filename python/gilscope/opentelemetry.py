"""What the GIL does, for OpenTelemetry: observable counters of a meter. `pip install 'gilscope[otel]'`.

    gilscope.opentelemetry.observe()

docs/how-to/monitoring.md says what each metric is.
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

from gilscope import __version__, _exported

try:
    from opentelemetry.metrics import CallbackOptions, Meter, Observation, get_meter
except ModuleNotFoundError:
    raise ImportError("gilscope.opentelemetry needs opentelemetry-api; try: pip install 'gilscope[otel]'") from None

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from gilscope._trace import trace as Trace  # noqa: N812  (a class, named as a function)

__all__ = ["observe"]


def observe(
    meter: Meter | None = None,
    *,
    trace: Trace | None = None,
    max_series: int = 50,
    label: Callable[[str], str] = _exported.label_of,
) -> Trace:
    """Have a meter observe cumulative counters of the GIL, by GIL and name of thread, and return their trace.

    The counters, their attributes `cpython.gil.id` and `thread.name`, and their bound are those of
    gilscope.prometheus.collector, by other names. All counters of a collection are of one snapshot. Once the trace
    was stopped they stand still.

    meter: None: one named gilscope, of the global meter provider.
    trace, max_series, label: see gilscope.prometheus.collector.

    Raises what gilscope.prometheus.collector raises; then the meter is as it was. Call it once for a meter.
    """
    source = _exported.Source(trace, max_series, label)
    if meter is None:
        meter = get_meter("gilscope", __version__)
    meter.create_observable_gauge(
        "cpython.gil.enabled", [functools.partial(_observe_enabled, source)], "1", _exported.ENABLED_TEXT
    )
    meter.create_observable_gauge(
        "gilscope.trace.complete", [functools.partial(_observe_complete, source)], "1", _exported.COMPLETE_TEXT
    )
    for metric in _exported.METRICS:
        meter.create_observable_counter(
            metric.opentelemetry, [functools.partial(_observe_counter, source, metric)], metric.unit, metric.text
        )
    meter.create_observable_counter(
        "gilscope.thread.time", [functools.partial(_observe_times, source)], "s", _exported.STATES_TEXT
    )
    return source.trace


def _observe_enabled(source: _exported.Source, _: CallbackOptions) -> Iterable[Observation]:
    yield Observation(int(source.read_for("cpython.gil.enabled").is_gil_enabled))


def _observe_complete(source: _exported.Source, _: CallbackOptions) -> Iterable[Observation]:
    is_complete = source.read_for("gilscope.trace.complete").is_complete
    if is_complete is not None:
        yield Observation(int(is_complete))


def _observe_counter(source: _exported.Source, metric: _exported.Metric, _: CallbackOptions) -> Iterable[Observation]:
    for series, figures in source.read_for(metric.opentelemetry).series.items():
        yield Observation(metric.of(figures), {"cpython.gil.id": series.gil, "thread.name": series.thread})


def _observe_times(source: _exported.Source, _: CallbackOptions) -> Iterable[Observation]:
    for thread, figures in source.read_for("gilscope.thread.time").times.items():
        for state, value in figures.items():
            yield Observation(value / 1e9, {"thread.name": thread, "gilscope.thread.state": state})
