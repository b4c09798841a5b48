"""Anomalies: what is odd in a trace, and how well that was found."""
