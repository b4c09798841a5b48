"""Evaluation: how well a run does on a split, with intervals."""
