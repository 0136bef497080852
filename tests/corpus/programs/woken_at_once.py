"""Threads that are woken at once, work for a moment and wait again: each gives the GIL up soon, and of itself."""

import threading


def serve(turn):
    for _ in range(100):
        turn.acquire()  # culprit
        sum(range(5_000))
        done.release()  # culprit


done = threading.Semaphore(0)
turns = [threading.Semaphore(0) for _ in range(8)]
for number, turn in enumerate(turns):
    threading.Thread(target=serve, args=(turn,), name=f"server {number}").start()
for _ in range(100):
    for turn in turns:
        turn.release()
    for _ in range(len(turns)):
        done.acquire()
