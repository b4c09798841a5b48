"""WordPiece: greedy cuts into the longest known pieces, as its definition says."""

import pytest

pytest.importorskip("tokenizers")
from neurarium.data.preparation.text import TextPreparation, fit_text
from neurarium.data.preparation.word_piece import WordPiece

TEXTS = ["low lower lowest", "new newer newest", "slow slower"] * 5
PIECES = WordPiece.train(TEXTS, 60)


def greedy(word, known):
    """The definition (arXiv:1810.04805): from the left always the longest piece that is known."""
    found, start = [], 0
    while start < len(word):
        stop = next(
            (s for s in range(len(word), start, -1) if ("##" if start else "") + word[start:s] in known), None
        )
        if stop is None:
            return ["[unknown]"]
        found.append(("##" if start else "") + word[start:stop])
        start = stop
    return found


@pytest.mark.parametrize("word", ["lower", "newest", "slowest", "snow", "xyz"])
def test_words_are_cut_greedily(word):
    known = PIECES.tokenizer.get_vocab()
    assert PIECES.encode([word])[0] == [known[each] for each in greedy(word, known)]


def test_it_can_be_named_for_texts(tmp_path):
    made, decisions = fit_text(TEXTS, kind="word-piece", vocabulary=50)
    again = TextPreparation.load(tmp_path, made.save(tmp_path / "t.json"))
    assert again.encode(["Lower NEW"]).tolist() == made.encode(["lower new"]).tolist()
    assert "word-piece" in decisions[0].choice and PIECES.encode(["low[padding]"])[0].count(0) == 0


def test_case_is_kept_where_it_is_asked_for():
    kept = WordPiece.train(["Low low LOW"] * 5, 60, lowercase=False)
    assert kept.encode(["Low"]) != kept.encode(["low"]) and PIECES.encode(["Low"]) == PIECES.encode(["low"])
