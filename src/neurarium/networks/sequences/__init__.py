"""Networks of sequences: texts of tokens, and series of vectors."""
