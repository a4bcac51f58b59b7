# SPDX-License-Identifier: Apache-2.0
"""At most so many events per second."""
from __future__ import annotations


class Pacing:
    """Says which events are due. Times may come from any clock, one that jumps back included."""

    def __init__(self) -> None:
        self._due_s: float | None = None

    def due(self, now_s: float, rate_hz: float) -> bool:
        """Whether an event at `now_s` may happen at `rate_hz` (0 = always); a True counts as having happened.

        The next one is due a period after this one was due, not after it came: the mean rate is kept although
        events come in a rhythm of their own.
        """
        if rate_hz <= 0:
            self._due_s = None
            return True
        period_s = 1 / rate_hz
        if self._due_s is None or not -2 * period_s < now_s - self._due_s < period_s:
            self._due_s = now_s                         # the first event, one after a pause, a clock's jump
        if now_s < self._due_s:
            return False
        self._due_s += period_s
        return True
