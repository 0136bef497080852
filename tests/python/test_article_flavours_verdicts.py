"""What python/article/flavours.py makes of its measurements: rounds that count, the verdict, what is printed."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
GOLDEN = ROOT / "tests" / "golden"
sys.path.insert(0, str(ROOT / "python" / "article"))

import flavours  # noqa: E402
import flavours_child  # noqa: E402
from flavours import Interval, Row, judge  # noqa: E402

PATIENCE_S = 60  # of a busy machine


@pytest.mark.parametrize(
    ("ratios", "parallelism", "free_ratio", "cpus", "has_gil"),
    [
        ([1.0, 1.0, 1.0], [0.99, 0.98, 1.0], 0.5, 2, True),
        ([0.5, 0.5, 0.5], [1.9, 2.0, 1.98], 0.5, 2, False),
        ([1.3, 1.1, 1.9], [1.0, 1.0, 0.9], 0.5, 2, True),
        ([1.3, 1.1, 1.9], [1.0, 1.0, 0.6], 0.5, 2, None),  # something else kept the threads from running
        ([0.5, 0.6, 0.74], [1.9, 1.7, 1.3], 0.5, 64, False),
        ([0.76, 0.9, 1.0], [1.0, 1.0, 1.0], 0.5, 64, True),
        ([0.5, 0.6, 1.0], [1.9, 1.7, 1.0], 0.5, 2, None),  # the rounds disagree
        ([0.75, 0.75], [1.3, 1.3], 0.5, 2, False),
        ([0.75, 0.75], [1.0, 1.0], 0.5, 2, None),
        ([1.0], [1.0], 0.5, 2, None),  # no interval
        ([0.8, 0.8], [1.3, 1.3], 0.79, 2, False),  # a busier machine allows no more
        ([1.0, 1.0], [1.0, 1.0], 0.79, 2, True),
        ([0.53, 0.38, 0.67], [0.98, 0.99, 0.97], 0.5, 2, None),  # seen here: others' load, during the sequential runs
        ([0.5, 0.5], [1.9, 1.0], 0.5, 2, None),
        ([1.0, 1.0], [1.9, 1.9], 0.5, 2, None),  # slow, and yet both ran
        ([1.0, 1.0], [1.0, 1.3], 0.5, 2, None),
        ([1.03, 1.02], [1.11, 1.13], 0.5, 2, True),  # seen of PyPy, whose waiting thread polls
        ([0.98, 0.97], [1.11, 1.13], 0.5, 2, True),
        ([1.0, 1.0], [1.0, 1.0], 0.81, 2, None),
        ([1.0, 1.0], [1.0, 1.0], 1.0, 2, None),
        ([0.5, 0.5], [1.9, 1.9], 1.0, 2, False),  # both ran, however busy it was
        ([0.5, 0.5], [1.9, 1.9], None, 2, False),
        ([0.7, 0.6, 1.0], [1.3, 1.26, 1.3], 0.7, 2, False),
        ([1.0, 1.0], [1.0, 1.0], None, 2, None),
        ([1.0, 1.0], [1.0, 1.0], 1.0, 1, None),
        ([0.5, 0.5], [1.9, 1.9], 0.5, 1, None),
    ],
)
def test_the_verdict_follows_the_measurement(ratios, parallelism, free_ratio, cpus, has_gil) -> None:
    verdict = judge(ratios, parallelism, free_ratio, cpus)
    assert verdict.has_gil is has_gil
    assert (verdict.reason == "") == (has_gil is not None)


def test_the_reason_names_what_was_lacking() -> None:
    assert judge([1.0, 1.0], [1.0, 1.0], 0.5, 1).reason.startswith("one usable CPU")
    assert judge([1.0, 1.0], [1.0, 1.0], 0.9, 2).reason == "busy machine, two processes gained 1.11 ×"
    assert "--repeats" in judge([1.0], [1.0], 0.5, 2).reason
    assert "not by one CPU (0.90–1.00)" in judge([0.5, 0.5], [0.9, 1.0], 0.5, 2).reason


def test_the_control_is_a_ratio_that_a_machine_can_have() -> None:
    measured = flavours_child.control()
    assert measured is not None
    assert 0 < measured <= 1


@pytest.mark.parametrize("executable", ["/no/such/python", "/bin/true", "/bin/false"])
def test_a_control_that_fails_is_unknown(executable: str, monkeypatch) -> None:
    monkeypatch.setattr(sys, "executable", executable)
    assert flavours_child.control() is None


def test_a_signal_while_a_child_starts_waits_until_it_can_be_ended(monkeypatch) -> None:
    started = []

    class Interrupted(subprocess.Popen[str]):
        def __init__(self, *arguments: Any, **options: Any) -> None:
            super().__init__(*arguments, **options)
            started.append(self)
            signal.raise_signal(signal.SIGINT)

    monkeypatch.setattr(subprocess, "Popen", Interrupted)
    with pytest.raises(KeyboardInterrupt), flavours_child.start(sys.executable, PATIENCE_S):
        pytest.fail("the signal was lost")
    with pytest.raises(KeyboardInterrupt):
        flavours_child.control()
    assert len(started) == 2
    assert all(process.returncode is not None for process in started)
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def golden_rows() -> list[Row]:
    figures: dict[str, Any] = {
        "iterations": 12_000_000,
        "sequential_s": 1.0,
        "free_ratio": 0.5,
        "parallelism": Interval(1.0, 0.75, 1.0),
    }
    python = "/usr/bin/python3.13"
    return [
        Row("CPython", "3.13.5", python, threads_s=1.06, ratio=Interval(1.0625, 1.0, 1.125), has_gil=True, **figures),
        Row(
            "CPython, free-threaded",
            "3.14.0",
            f"{python}t",
            threads_s=0.52,
            ratio=Interval(0.515625, 0.5, 0.625),
            has_gil=False,
            **{**figures, "parallelism": Interval(1.875, 1.75, 2.0)},
        ),
        Row(
            "Jython",
            "2.7.3",
            "/usr/bin/jython",
            threads_s=0.9,
            ratio=Interval(0.875, 0.5, 1.0),
            **{**figures, "free_ratio": 0.875},
            reason="busy machine, two processes gained 1.14 ×",
        ),
        Row("PyPy", None, "/usr/bin/pypy3", "timeout", "no answer within 60 s (--timeout)"),
        Row("python3.9", "3.9.2", "/opt/python3.9", "failed", "was ended by signal 11, and said nothing"),
        Row("IronPython", None, None, "missing", "no `ipy` on PATH"),
    ]


def test_the_golden_files_are_what_is_printed() -> None:
    found = {
        "flavours.json": json.dumps(flavours.document(golden_rows(), 2, 3), indent=2, ensure_ascii=False) + "\n",
        "flavours.txt": "".join(f"{line}\n" for line in [flavours.HEAD, *map(flavours.describe, golden_rows())]),
    }
    for name, text in found.items():
        if os.environ.get("GILSCOPE_UPDATE_GOLDEN") == "1":
            (GOLDEN / name).write_text(text, encoding="utf-8")
        assert (GOLDEN / name).read_text(encoding="utf-8") == text


class Metronome:
    """An interpreter whose rounds have these ratios, and then the last one for ever."""

    def __init__(self, ratios: list[float]) -> None:
        self.ratios = ratios

    def ask(self, question: str) -> dict[str, Any]:
        mode, iterations = question.split()
        ratio = 1.0
        if mode == "threads":
            ratio = self.ratios.pop(0) if len(self.ratios) > 1 else self.ratios[0]
        n = int(iterations)
        return {"seconds": n * 1e-6 * ratio, "cpu": n * 1e-6, "sums": [n * (n - 1) // 2] * 2}


@pytest.mark.parametrize(
    ("ratios", "controls", "kept"),
    [
        ([1.0], [0.5], [1.0, 1.0, 1.0]),
        ([0.9, 0.5], [1.0, 0.5], [0.5, 0.5, 0.5]),  # what a busy moment spoilt is measured again
        ([0.5, 0.9, 0.5], [0.5, 0.81, 0.5], [0.5, 0.5, 0.5]),
        ([0.9, 0.9, 0.9, 0.9, 0.9, 0.9, 0.9, 0.4, 0.6], [1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 0.5, 0.5], [0.4, 0.6]),
        ([0.9, 0.5, 0.9], [1.0, 0.5, 1.0], [0.9, 0.5] + [0.9] * 7),  # one good round is none
        ([1.0], [1.0], [1.0] * 9),
        ([1.0], [None], [1.0] * 3),
    ],
)
def test_rounds_of_busy_moments_are_repeated(ratios, controls, kept, monkeypatch) -> None:
    left = [control for control in controls for _ in ("before", "after")]
    monkeypatch.setattr(flavours, "control", lambda: left.pop(0) if len(left) > 1 else left[0])
    rounds = flavours.run_rounds(Metronome(list(ratios)), 1000, 3)  # type: ignore[arg-type]
    assert [one.threads.seconds / one.sequential.seconds for one in rounds] == pytest.approx(kept)


@pytest.mark.parametrize(
    ("before", "after", "worst"), [(0.5, 0.9, 0.9), (0.9, 0.5, 0.9), (None, 0.5, None), (0.5, None, None)]
)
def test_a_round_has_the_room_that_both_its_controls_saw(before, after, worst, monkeypatch) -> None:
    left = [before, after] * 9
    monkeypatch.setattr(flavours, "control", lambda: left.pop(0))
    assert flavours.run_rounds(Metronome([1.0]), 1000, 1)[0].free_ratio == worst  # type: ignore[arg-type]


def test_the_iterations_fit_the_seconds_once_a_jit_has_warmed_up() -> None:
    class Jit(Metronome):
        runs = 0

        def ask(self, question: str) -> dict[str, Any]:
            self.runs += 1
            answer = super().ask(question)
            return {**answer, "seconds": answer["seconds"] * (100 if self.runs < 3 else 1)}

    assert 600_000 < flavours.choose_iterations(Jit([1.0]), 1.0) < 1_500_000  # type: ignore[arg-type]
