"""Threads that start other programs and wait for them."""

import subprocess
import threading


def run():
    for _ in range(3):
        subprocess.run(["sleep", "0.1"], check=True)


runners = [threading.Thread(target=run, name=f"runner {number}") for number in range(4)]
for runner in runners:
    runner.start()
for runner in runners:
    runner.join()
