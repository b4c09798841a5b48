"""Exact byte pairs: byte-pair encoding that gives the original text back, for networks that write text."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from neurarium.core.errors import require
from neurarium.data.preparation.packaged import SPECIAL, Packaged


class ExactBytePair(Packaged):
    """Byte-pair encoding on bytes without any normalization: `decode(encode(text)) == text` for every text.

    Words are found as GPT-2 finds them (Radford et al. 2019, section 2.2): a blank belongs to the word behind it.

    Args:
        content: a `tokenizer.json`.

    Raises:
        MissingDependencyError: the extra `text` is not installed.
        ArtifactError: the content is no tokenizer.

    >>> pairs = ExactBytePair.train(["To be, or not to be"], 300)
    >>> pairs.decode(pairs.encode(["  NOT to  be\\n😀 "])[0])
    '  NOT to  be\\n😀 '
    """

    kind = "exact-byte-pair"

    @classmethod
    def train(cls, texts: Iterable[str], vocabulary: int, lowercase: bool = False) -> ExactBytePair:
        """Learn merges from texts as they are (`lowercase` has no meaning here)."""
        package = require("tokenizers", extra="text")
        made = package.Tokenizer(package.models.BPE(unk_token=None))
        made.pre_tokenizer = package.pre_tokenizers.ByteLevel(add_prefix_space=False)
        made.decoder = package.decoders.ByteLevel()
        trainer = package.trainers.BpeTrainer(
            vocab_size=vocabulary,
            min_frequency=2,
            special_tokens=list(SPECIAL),
            initial_alphabet=sorted(package.pre_tokenizers.ByteLevel.alphabet()),
            show_progress=False,
        )
        made.train_from_iterator(texts, trainer)
        return cls(made.to_str())

    def decode(self, indices: Sequence[int]) -> str:
        """Spell indices; bytes that are no whole character are `\\ufffd`."""
        return self.tokenizer.decode(list(indices))
