"""Decoding: from the logits of a network that writes to what it wrote."""
