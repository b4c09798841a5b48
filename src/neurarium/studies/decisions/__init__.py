"""Decisions: from probabilities and numbers to classes, sets and intervals that hold what they promise."""
