"""Three processes of pure Python, each busy for a third of its time: each has a GIL of its own."""

import os
import time


def serve():
    for _ in range(15):
        end = time.thread_time() + 0.01
        while time.thread_time() < end:
            pass
        time.sleep(0.03)


children = []
for _ in range(3):
    child = os.fork()
    if child == 0:
        serve()
        os._exit(0)
    children.append(child)
for child in children:
    os.waitpid(child, 0)
