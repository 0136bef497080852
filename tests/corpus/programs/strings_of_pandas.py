"""Two threads that read text into strings: these are made with the GIL."""

import io
import threading

import pandas as pd

text = "a,b,c\n" + "\n".join(f"name {number},city {number * 7},x{number}" for number in range(150_000))


def parse():
    pd.read_csv(io.StringIO(text), dtype=object)  # culprit


parsers = [threading.Thread(target=parse, name=f"parser {number}") for number in range(2)]
for parser in parsers:
    parser.start()
for parser in parsers:
    parser.join()
