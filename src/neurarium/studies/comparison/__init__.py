"""Comparison: one run beside others, beside simple models, beside itself on other parts of the data."""
