"""One thread that computes."""

sum(range(20_000_000))
