"""A thread that saves its state by pickle, beside one that answers."""

import pickle
import threading
import time


def save():
    for _ in range(5):
        pickle.dumps(state)  # culprit
        time.sleep(0.03)


def answer():
    while not over.is_set():
        time.sleep(0.004)


state = [{"number": number, "list": [number, str(number)]} for number in range(150_000)]
over = threading.Event()
answerer = threading.Thread(target=answer, name="answerer")
answerer.start()
save()
over.set()
answerer.join()
