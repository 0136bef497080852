"""What the GIL does, for Prometheus: a collector of prometheus_client. `pip install 'gilscope[prometheus]'`.

    prometheus_client.REGISTRY.register(gilscope.prometheus.collector())

docs/how-to/monitoring.md says what each metric is.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from gilscope import _exported

try:
    from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
    from prometheus_client.registry import Collector
except ModuleNotFoundError:
    raise ImportError("gilscope.prometheus needs prometheus_client; try: pip install 'gilscope[prometheus]'") from None

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from prometheus_client.metrics_core import Metric

    from gilscope._trace import trace as Trace  # noqa: N812  (a class, named as a function)

__all__ = ["collector"]


class collector(Collector):  # noqa: N801  (used like a function, as trace)
    """Collects cumulative counters of the GIL, by GIL and name of thread, for a registry of prometheus_client.

    A scrape takes a snapshot of a trace that goes on: see gilscope.trace.snapshot() for what is in it. No counter ever
    gets less while the process lives. The child of a fork counts from 0, itself alone. On a free-threaded build whose
    GIL is off, gilscope_gil_enabled is 0, and there are no counters.
    """

    def __init__(
        self,
        *,
        trace: Trace | None = None,
        max_series: int = 50,
        label: Callable[[str], str] = _exported.label_of,
    ) -> None:
        """Begin a trace, or take one that runs.

        trace: whose figures these are. None: a new one without lines, which runs until `collector.trace.stop()`.
        max_series: how many pairs of a GIL and a name of threads have counters of their own: those that come first. The
            rest of a GIL is summed under the name `(other)`, the rest of all GILs that have no pair of their own under
            the GIL `(other)` too.
        label: makes the label of a thread of its name. By default the number of a name that CPython gave is left out:
            `Thread-12 (handle)` is `Thread (handle)`, `ThreadPoolExecutor-0_3` is `ThreadPoolExecutor`.

        Raises Error where no trace can begin or the given one was not begun, ValueError where max_series is less
        than 1, TypeError where it is no integer.
        """
        self._source = _exported.Source(trace, max_series, label)

    @property
    def trace(self) -> Trace:
        """The trace. Once it was stopped the counters stand still."""
        return self._source.trace

    def collect(self) -> Iterator[Metric]:
        """Make the metrics, as of now."""
        reading = self._source.read()
        yield GaugeMetricFamily("gilscope_gil_enabled", _exported.ENABLED_TEXT, value=reading.is_gil_enabled)
        if reading.is_complete is not None:
            yield GaugeMetricFamily("gilscope_trace_complete", _exported.COMPLETE_TEXT, value=reading.is_complete)
            for metric, family in zip(_exported.METRICS, _counters(), strict=True):
                for series, figures in reading.series.items():
                    family.add_metric(series, metric.of(figures))
                yield family
        elif not reading.times:
            return
        times = _times()
        for thread, figures in reading.times.items():
            for state, value in figures.items():
                times.add_metric([thread, state], value / 1e9)
        yield times

    def describe(self) -> Iterator[Metric]:
        """Name the metrics, without a snapshot: a registry asks when it registers this."""
        yield GaugeMetricFamily("gilscope_gil_enabled", _exported.ENABLED_TEXT)
        yield GaugeMetricFamily("gilscope_trace_complete", _exported.COMPLETE_TEXT)
        yield from _counters()
        yield _times()


def _counters() -> list[CounterMetricFamily]:
    """Without samples."""
    return [
        CounterMetricFamily(metric.prometheus, metric.text, labels=_exported.Series._fields)
        for metric in _exported.METRICS
    ]


def _times() -> CounterMetricFamily:
    """Likewise."""
    return CounterMetricFamily("gilscope_thread_seconds", _exported.STATES_TEXT, labels=["thread", "state"])
