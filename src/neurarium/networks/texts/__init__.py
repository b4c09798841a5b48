"""Networks for texts of tokens."""
