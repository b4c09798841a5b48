"""Assembly: what readers found and what a preparation learned from its training rows, joined to a `Dataset`."""
