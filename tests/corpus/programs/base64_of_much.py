"""binascii keeps the GIL however long its input is."""

import base64
import threading
import time

data = bytes(90_000_000)


def encode():
    for _ in range(4):
        base64.b64encode(data)  # culprit
        time.sleep(0.03)


encoder = threading.Thread(target=encode, name="encoder")
encoder.start()
while encoder.is_alive():
    time.sleep(0.004)
