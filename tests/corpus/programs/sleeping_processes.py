"""Processes that sleep."""

import os
import time

children = []
for _ in range(4):
    child = os.fork()
    if child == 0:
        time.sleep(0.3)
        os._exit(0)
    children.append(child)
for child in children:
    os.waitpid(child, 0)
