"""Memory shared out to photos that are in work at once."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager


class PixelBudget:
    """Pixels that may be in memory at once; who wants more waits.

    A photo larger than all of it is let in alone. Photos are let in in the order in which they came, so that a large
    one is not passed by small ones for ever.

    Args:
        limit: pixels.
    """

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self._changed = threading.Condition()
        self._taken = 0
        self._holders = 0
        self._next = self._serving = 0

    @contextmanager
    def taking(self, pixels: int) -> Iterator[int]:
        """Hold a part of the budget; gives the number of holders, this one included."""
        pixels = min(pixels, self.limit)
        with self._changed:
            ticket, self._next = self._next, self._next + 1
            self._changed.wait_for(lambda: self._serving == ticket and self._taken + pixels <= self.limit)
            self._serving += 1
            self._taken += pixels
            self._holders += 1
            holders = self._holders
            self._changed.notify_all()
        try:
            yield holders
        finally:
            with self._changed:
                self._taken -= pixels
                self._holders -= 1
                self._changed.notify_all()
