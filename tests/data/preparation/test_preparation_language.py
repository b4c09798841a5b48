"""The preparation of language models: saved and read, exact, damaged files refused."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from neurarium.core.errors import ArtifactError
from neurarium.data.preparation.language import fit_language, parts_of
from neurarium.data.preparation.loading import load_preparation

TEXT = "To be, or not to be.\n" * 40


@given(st.lists(st.text(alphabet="ab\n😀", max_size=40), min_size=1, max_size=4))
def test_texts_come_back_one_after_the_other(texts):
    made, _ = fit_language(["ab\n😀"], kind="characters", length=4, ends=True)
    codes = [code for text in texts for code in [*made.encode(text), made.end]]
    assert made.decode(codes[:-1]) == "\n\n".join(texts)


@pytest.mark.parametrize("kind", ["characters", "byte-pair", "word-piece", "words"])
def test_it_survives_saving(kind, tmp_path):
    if kind in ("byte-pair", "word-piece"):
        pytest.importorskip("tokenizers")
    made, _ = fit_language([TEXT], kind=kind, vocabulary=280, length=12, ends=True)
    made.column = "said"
    made.save(tmp_path)
    again = load_preparation(tmp_path)
    assert (again.encode(TEXT), again.length, again.ends, again.column) == (
        made.encode(TEXT),
        12,
        True,
        "said",
    )
    assert again.inputs == made.inputs and again.targets == made.targets
    (tmp_path / "tokenizer.json").write_text("{}")
    with pytest.raises(ArtifactError, match="altered"):
        load_preparation(tmp_path)


def test_long_texts_are_cut_at_line_ends_and_nothing_is_lost():
    text = "a line of text\n" * 40_000 + "x" * 300_000
    parts = list(parts_of(text))
    assert len(parts) > 2 and "".join(parts) == text and parts[0].endswith("\n")


def test_small_alphabets_are_spelled():
    assert fit_language([TEXT], length=8, ends=False)[0].kind == "characters"
    many = "".join(map(chr, range(0x4E00, 0x4E00 + 600)))
    pytest.importorskip("tokenizers")
    assert fit_language([many], length=8, ends=False)[0].kind == "byte-pair"
