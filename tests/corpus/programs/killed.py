"""Two threads that compute until somebody ends them: an alarm does."""

import signal
import threading


def compute():
    while True:
        for _ in range(10_000):  # culprit
            pass  # culprit


signal.setitimer(signal.ITIMER_REAL, 0.8)
threads = [threading.Thread(target=compute, name=f"computer {number}", daemon=True) for number in range(2)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
