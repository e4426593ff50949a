"""Has Python sleep in a way that libfaketime leaves alone, which takes the end of `time.sleep` for a faked time."""

import select
import time


def _sleep(seconds: float) -> None:
    select.select([], [], [], seconds)


time.sleep = _sleep
