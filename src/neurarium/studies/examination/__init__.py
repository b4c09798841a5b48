"""Examination: what a report shows beyond the metrics."""
