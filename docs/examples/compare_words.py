"""Compare two ways to count words, from Python."""

import gilscope
from words import count_words

comparison = gilscope.compare(count_words, modes=["sequential", "threads"])
for mode in comparison.modes:
    if mode.work_ns:
        print(f"{mode.mode}: {mode.work_ns.median / 1e6:.0f} ms")

ceiling = gilscope.ceiling(count_words)
if ceiling:
    print(f"any number of threads could gain {ceiling:.2f} × at most")
