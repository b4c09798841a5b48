"""Special tokens: the indices that every tokenizer of ours keeps free."""

PADDING, UNKNOWN = 0, 1
