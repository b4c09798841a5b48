"""Counters: what the server did, as Prometheus text."""

from __future__ import annotations

import collections
import time

BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0)


class Counters:
    """Counts requests by path and status, the seconds they took, and the examples."""

    def __init__(self) -> None:
        self.began = time.time()
        self.requests: collections.Counter[tuple[str, int]] = collections.Counter()
        self.buckets = [0] * len(BUCKETS)
        self.seconds = 0.0
        self.predictions = 0

    def count(self, path: str, status: int, seconds: float) -> None:
        """Count a request; `path` is one of ours, or "other"."""
        self.requests[path, status] += 1
        if path == "/predict":
            self.predictions += 1
            self.seconds += seconds
            for number, bound in enumerate(BUCKETS):
                if seconds <= bound:
                    self.buckets[number] += 1
                    break

    def text(self, **gauges: float) -> str:
        """Return all counts in Prometheus' text format; `gauges` are further values by name."""
        lines = ["# TYPE neurarium_requests_total counter"]
        for (path, status), count in sorted(self.requests.items()):
            lines.append(f'neurarium_requests_total{{path="{path}",status="{status}"}} {count}')
        lines.append("# TYPE neurarium_predict_seconds histogram")
        total = 0
        for bound, count in zip(BUCKETS, self.buckets, strict=True):
            total += count
            lines.append(f'neurarium_predict_seconds_bucket{{le="{bound:g}"}} {total}')
        lines.append(f'neurarium_predict_seconds_bucket{{le="+Inf"}} {self.predictions}')
        lines.append(f"neurarium_predict_seconds_sum {self.seconds:.6f}")
        lines.append(f"neurarium_predict_seconds_count {self.predictions}")
        for name, value in {"start_time_seconds": self.began, **gauges}.items():
            kind = "counter" if name.endswith("_total") else "gauge"
            lines += [
                f"# TYPE neurarium_{name} {kind}",
                f"neurarium_{name} {value:g}"
                if kind == "gauge" and name != "start_time_seconds"
                else f"neurarium_{name} {value:.0f}",
            ]
        return "\n".join(lines) + "\n"
