"""A thread that spins until a flag is set, by another that sleeps: who is woken waits for a switch interval."""

import threading
import time


def spin():
    while not over:  # culprit
        pass  # culprit


over = False
spinner = threading.Thread(target=spin, name="spinner")
spinner.start()
for _ in range(60):
    time.sleep(0.005)
over = True
spinner.join()
