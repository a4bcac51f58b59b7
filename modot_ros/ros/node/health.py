# SPDX-License-Identifier: Apache-2.0
"""How the node is: rates, latency, drops per reason, standing warnings, as a DiagnosticStatus."""
from __future__ import annotations

import threading
from collections import Counter, deque

import numpy as np
from diagnostic_msgs.msg import DiagnosticStatus, KeyValue

WINDOW_S = 5.0                                          # what rates, latencies and "lately" speak of
NO_INPUT_S = 2.0                                        # without an image for so long, something is wrong
# Drops that are the node's way of keeping up, nothing wrong with the frame.
BY_DESIGN = ("overload", "rate", "unpaired", "pool_refused")


class Health:
    """Fed by callbacks and worker, read at 1 Hz; any threads. All times are one steady clock's, seconds."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.facts: dict[str, str] = {}                 # what does not change: model, device, topics
        self.failure = ""                               # why the node can't work at all
        self._warnings: dict[str, str] = {}
        self._faults: dict[str, str] = {}               # standing errors: frames go on, but something is badly wrong
        self._received: deque[float] = deque()
        self._processed: deque[tuple[float, ...]] = deque()     # when, latency_s, processing_s, network_s
        self._bad: deque[float] = deque()
        self._counts: Counter[str] = Counter()
        self._dropped: Counter[str] = Counter()
        self._last_error = ""
        self._active_s: float | None = None
        self._received_since = False

    def activated(self, now_s: float | None) -> None:
        """From now on input is expected; None: no longer."""
        with self._lock:
            self._active_s = now_s
            self._received_since = False
            self._warnings.clear()
            self._faults.clear()

    def received(self, now_s: float) -> None:
        with self._lock:
            self._counts["received"] += 1
            self._received_since = True
            self._received.append(now_s)

    def idle(self) -> None:
        """A frame was not processed because nobody subscribes to any output."""
        with self._lock:
            self._counts["idle"] += 1

    def labelled(self) -> None:
        """The instances of a frame are out that had to wait for its labels."""
        with self._lock:
            self._counts["labelled"] += 1

    def processed(self, now_s: float, latency_s: float, processing_s: float, network_s: float) -> None:
        """A frame's outputs are out, `latency_s` after the image came in.

        `processing_s` of it were spent working, `network_s` of these in the network.
        """
        with self._lock:
            self._counts["processed"] += 1
            self._processed.append((now_s, latency_s, processing_s, network_s))

    def dropped(self, reason: str, now_s: float, text: str = "", count: int = 1) -> None:
        """Frames that gave no output. `text` explains a reason that is not BY_DESIGN."""
        with self._lock:
            self._dropped[reason] += count
            if reason not in BY_DESIGN:
                self._bad.append(now_s)
                self._last_error = f"{reason}: {text}"

    def warn(self, topic: str, text: str) -> None:
        """A standing warning, replacing that of the same topic; an empty text takes it back."""
        with self._lock:
            if text:
                self._warnings[topic] = text
            else:
                self._warnings.pop(topic, None)

    def fail(self, topic: str, text: str) -> None:
        """A standing error, likewise."""
        with self._lock:
            if text:
                self._faults[topic] = text
            else:
                self._faults.pop(topic, None)

    @property
    def warnings(self) -> dict[str, str]:
        """All that stands by its topic, errors first."""
        with self._lock:
            return {**self._warnings, **self._faults}

    @property
    def has_received(self) -> bool:
        """Whether an image has come since the activation."""
        with self._lock:
            return self._received_since

    def active_for_s(self, now_s: float) -> float:
        """Since the activation; 0 while not active."""
        with self._lock:
            return 0.0 if self._active_s is None else now_s - self._active_s

    def drops(self) -> dict[str, int]:
        with self._lock:
            return dict(self._dropped)

    def status(self, name: str, hardware_id: str, state: str, now_s: float) -> DiagnosticStatus:
        """`hardware_id` tells nodes apart, `state` is the lifecycle state's label."""
        with self._lock:
            for times in (self._received, self._bad):
                while times and times[0] < now_s - WINDOW_S:
                    times.popleft()
            while self._processed and self._processed[0][0] < now_s - WINDOW_S:
                self._processed.popleft()
            level, text = self._judge(state, now_s)
            values = {"state": state, **self.facts, **self._numbers(now_s), "last_error": self._last_error,
                      "warnings": "; ".join([*self._faults.values(), *self._warnings.values()])}
        pairs = [KeyValue(key=key, value=value) for key, value in values.items()]
        return DiagnosticStatus(level=level, name=name, message=text, values=pairs,
                                hardware_id=hardware_id)

    def _judge(self, state: str, now_s: float) -> tuple[bytes, str]:
        if self.failure:
            return DiagnosticStatus.ERROR, self.failure
        if self._active_s is None:
            return DiagnosticStatus.OK, state
        if self._bad and not self._processed:
            return DiagnosticStatus.ERROR, f"no frame can be used: {self._last_error}"
        texts = [*self._faults.values(), *self._warnings.values()]
        if self._bad:
            texts.insert(0, f"{len(self._bad)} frames could not be used: {self._last_error}")
        silent_s = now_s - max(self._active_s, self._received[-1] if self._received else 0.0)
        if silent_s > NO_INPUT_S:
            texts.insert(0, f"no image on {self.facts.get('image_topic')} for {silent_s:.0f} s")
        if texts:
            return DiagnosticStatus.ERROR if self._faults else DiagnosticStatus.WARN, "; ".join(texts)
        if not self._processed:
            return DiagnosticStatus.OK, "nobody subscribes" if self._received else "waiting for images"
        rate_hz = len(self._processed) / self._window_s(now_s)
        return DiagnosticStatus.OK, f"{rate_hz:.1f} Hz, latency {self._quantile_ms(1, 0.5):.0f} ms"

    def _window_s(self, now_s: float) -> float:
        return min(WINDOW_S, max(now_s - self._active_s, 1e-3)) if self._active_s is not None else WINDOW_S

    def _quantile_ms(self, column: int, q: float) -> float:
        """Of that column of the frames lately processed; NaN without any."""
        column_s = [row[column] for row in self._processed]
        return 1e3 * float(np.quantile(column_s, q)) if column_s else float("nan")

    def _numbers(self, now_s: float) -> dict[str, str]:
        window_s = self._window_s(now_s)
        latency_ms, processing_ms, network_ms = (self._quantile_ms(column, 0.5) for column in (1, 2, 3))
        return {
            "frames_received": str(self._counts["received"]),
            "frames_processed": str(self._counts["processed"]),
            "frames_dropped": str(sum(self._dropped.values())), "frames_idle": str(self._counts["idle"]),
            "frames_labelled": str(self._counts["labelled"]),
            **{f"dropped_{reason}": str(count) for reason, count in sorted(self._dropped.items())},
            "rate_in_hz": f"{len(self._received) / window_s:.1f}",
            "rate_out_hz": f"{len(self._processed) / window_s:.1f}",
            "latency_median_ms": f"{latency_ms:.1f}", "latency_p95_ms": f"{self._quantile_ms(1, 0.95):.1f}",
            "processing_median_ms": f"{processing_ms:.1f}", "network_median_ms": f"{network_ms:.1f}"}
