"""Trace one part of a program."""

import threading

import gilscope
from words import count_words

with gilscope.trace() as t:
    threads = [threading.Thread(target=count_words) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

print(t.summary)
