"""Two threads that pass each other the word by two locks: who waits for one is not kept waiting by who uses it."""

import threading
import time


def talk(mine, others):
    for _ in range(60):
        mine.acquire()
        time.sleep(0.005)
        others.release()


first, second = threading.Lock(), threading.Lock()
second.acquire()
talkers = [threading.Thread(target=talk, args=locks) for locks in ((first, second), (second, first))]
for talker in talkers:
    talker.start()
for talker in talkers:
    talker.join()
