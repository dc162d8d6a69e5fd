"""What holds for all tests: hypothesis judges results, never time; and a Ctrl-C reaches who is sent one."""

import signal

from hypothesis import settings

settings.register_profile("guard", deadline=None)
settings.load_profile("guard")

signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell starts what runs in the background without it
