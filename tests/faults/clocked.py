"""`guard` by a clock that is FAULT_CLOCK seconds ahead of the machine's; git's commits are dated by it too."""

import datetime as dt
import os
import time

AHEAD = int(os.environ.get("FAULT_CLOCK", "0"))
real_time, real_datetime = time.time, dt.datetime


class Jumped(real_datetime):
    """Times by the other clock."""

    @classmethod
    def now(cls, tz: dt.tzinfo | None = None) -> "Jumped":
        """The time by the other clock."""
        return cls.fromtimestamp(real_time() + AHEAD, tz)


if AHEAD:
    time.time = lambda: real_time() + AHEAD
    dt.datetime = Jumped
    for who in ("AUTHOR", "COMMITTER"):
        os.environ[f"GIT_{who}_DATE"] = f"{int(time.time())} +0000"

if __name__ == "__main__":
    from guard.cli import main

    main()
