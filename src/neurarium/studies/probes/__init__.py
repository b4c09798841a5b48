"""Probes: what a network costs, what flows through it, and at which rate it learns, before it is trained."""
