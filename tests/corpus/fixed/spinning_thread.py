"""A thread that spins until a flag is set, by another that sleeps: it waits for a tenth of a switch interval."""

import sys
import threading
import time


def spin():
    while not over:
        pass


sys.setswitchinterval(0.0005)
over = False
spinner = threading.Thread(target=spin, name="spinner")
spinner.start()
for _ in range(60):
    time.sleep(0.005)
over = True
spinner.join()
