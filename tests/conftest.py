"""For all tests: what they start sees the signals that a person's shell would let through.

Somebody's background job, or CI, may run the tests with some of them ignored, and ignored signals are inherited.
"""

import signal

signal.signal(signal.SIGINT, signal.default_int_handler)
for number in (signal.SIGHUP, signal.SIGTERM, signal.SIGQUIT):
    signal.signal(number, signal.SIG_DFL)
