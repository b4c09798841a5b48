"""WordPiece: words cut into pieces that are frequent; a piece that goes on within a word begins with ##."""

from __future__ import annotations

from collections.abc import Iterable

from neurarium.core.errors import require
from neurarium.data.preparation.packaged import SPECIAL, Packaged


class WordPiece(Packaged):
    """WordPiece as BERT reads (arXiv:1609.08144, section 4.1; arXiv:1810.04805), by the package `tokenizers`.

    A word is cut greedily into the longest pieces of the vocabulary; one that cannot be cut is unknown. How words were
    spaced is lost: decoded text has one blank between words and none before punctuation.

    Args:
        content: a `tokenizer.json`.

    Raises:
        MissingDependencyError: the extra `text` is not installed.
        ArtifactError: the content is no tokenizer.

    >>> pieces = WordPiece.train(["low lower lowest", "new newer newest"] * 5, 40)
    >>> pieces.decode(pieces.encode(["newer, lowest"])[0])
    'newer lowest'
    """

    kind = "word-piece"

    @classmethod
    def train(cls, texts: Iterable[str], vocabulary: int, lowercase: bool = True) -> WordPiece:
        """Learn the pieces from texts."""
        package = require("tokenizers", extra="text")
        made = package.Tokenizer(package.models.WordPiece(unk_token=SPECIAL[1]))
        made.normalizer = package.normalizers.BertNormalizer(lowercase=lowercase, strip_accents=False)
        made.pre_tokenizer = package.pre_tokenizers.BertPreTokenizer()
        made.decoder = package.decoders.WordPiece()
        trainer = package.trainers.WordPieceTrainer(
            vocab_size=vocabulary, min_frequency=2, special_tokens=list(SPECIAL), show_progress=False
        )
        made.train_from_iterator(texts, trainer)
        return cls(made.to_str())
