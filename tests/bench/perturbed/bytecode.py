"""Two threads of bytecode: the GIL is only given up because the other one asks, every 5 ms."""

from rates import compute, measure_threads

measure_threads(2, lambda: compute)
