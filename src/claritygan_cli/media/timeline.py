"""One time for all streams of broadcasts, whose clocks jump: recordings that were joined, and clocks that overflow."""

from typing import Any

import av

JUMPING = frozenset({"mpegts", "mpeg"})
"""Formats whose clocks may jump; in others a gap is meant."""
FORWARD, BACKWARD = 10.0, 0.5
"""Seconds from which on a jump is no gap or disorder, but another clock."""


class Timeline:
    """Moves packets so that time goes on through jumps of the clock, for all streams alike, as ffmpeg does it.

    Attributes:
        jumps: how often the clock has jumped.
    """

    def __init__(self) -> None:
        self.jumps, self._moved = 0, 0.0
        self._next: dict[int, float] = {}

    def __call__(self, packet: av.Packet) -> None:
        """Move a packet in time, in place."""
        if packet.dts is None:
            self._move(packet)
            return
        base: Any = packet.time_base
        index = packet.stream.index
        time = float(packet.dts * base) + self._moved
        expected = self._next.get(index)
        if expected is not None and not -BACKWARD <= time - expected <= FORWARD:
            self.jumps += 1
            self._moved -= time - expected
            time = expected
            self._next = {other: max(expected, self._next[other]) for other in self._next}
        self._next[index] = time + float((packet.duration or 0) * base)
        self._move(packet)

    def _move(self, packet: av.Packet) -> None:
        shift = round(self._moved / packet.time_base) if packet.time_base else 0
        if packet.pts is not None:
            packet.pts += shift
        if packet.dts is not None:
            packet.dts += shift
