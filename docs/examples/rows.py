"""Take the figures of a trace."""

import gilscope
from words import count_words

with gilscope.trace() as t:
    count_words()

for row in t.summary.rows():
    print(f"{row['name']} held the GIL for {row['hold_ns'] / 1e6:.1f} ms, {row['hold_share']:.0%} of the time")
t.summary.save("gil.json")
print(gilscope.Summary.load("gil.json").verdict.kind)
