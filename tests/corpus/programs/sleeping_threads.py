"""Fifty threads that sleep."""

import threading
import time


def doze():
    for _ in range(5):
        time.sleep(0.06)


sleepers = [threading.Thread(target=doze, name=f"sleeper {number}") for number in range(50)]
for sleeper in sleepers:
    sleeper.start()
for sleeper in sleepers:
    sleeper.join()
