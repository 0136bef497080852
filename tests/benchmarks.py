"""Where the benchmarks are, for the tests of what they share."""

from pathlib import Path

BENCH = Path(__file__).resolve().parent / "bench"
