"""Texts as token indices: trained on training texts, lengths by percentile, saved and read bitwise."""

import json

import numpy
import pytest

from neurarium.core.errors import ArtifactError, DataError, MissingDependencyError, OptionError
from neurarium.data.preparation import text as module
from neurarium.data.preparation.text import TextPreparation, Words, fit_text

TEXTS = [f"the cat number {n} sat on the mat" + " again" * (n % 4) for n in range(200)]


@pytest.mark.parametrize("kind", ["words", "byte-pair"])
def test_texts_become_indices_that_survive_saving(kind, tmp_path):
    if kind == "byte-pair":
        pytest.importorskip("tokenizers")
    made, decisions = fit_text(TEXTS, kind=kind, vocabulary=400)
    held = made.save(tmp_path / "tokenizer.json")
    again = TextPreparation.load(tmp_path, json.loads(json.dumps(held)))
    texts = [*TEXTS[:5], "", None, "Ünknown wörds!", "x " * 500]
    tokens = made.encode(texts)
    assert tokens.tolist() == again.encode(texts).tolist() and tokens.shape == (9, made.length)
    assert tokens[5].sum() == 0 and tokens[6].sum() == 0 and (tokens[8] > 0).all()
    assert tokens.max() < made.inputs.vocabulary <= 400
    assert made.batch(tokens)["mask"].sum(dim=1)[:7].tolist()[5:] == [0, 0]
    assert (tokens[7] == 1).any() == (kind == "words")  # byte pairs know every text
    assert [each.subject for each in decisions][:2] == ["tokenizer of text", "length of text"]


def test_the_length_is_a_percentile_of_training_texts():
    texts = ["a b c"] * 95 + ["a " * 400] * 5
    assert fit_text(texts, kind="words")[0].length in (3, 22, 23)
    assert fit_text(["a " * 400] * 10, kind="words")[0].length == module.LONGEST
    assert fit_text(texts, kind="words", length=7)[0].length == 7


@pytest.mark.parametrize(("count", "length"), [(10, 900), (22_222, 900), (40_000, 500), (200_000, 256)])
def test_texts_that_are_all_there_is_are_read_whole_as_far_as_a_pass_over_them_allows(count, length):
    some = ["a " * 900, *["a " * 900] * 9]
    texts = [*some, *[None] * (count - len(some))]
    assert fit_text(texts, kind="words", whole=True)[0].length == length
    assert fit_text(["a " * 9000] * 10, kind="words", whole=True)[0].length == module.WHOLE


def test_the_plan_says_how_many_long_texts_are_cut_and_how_long_they_are():
    texts = ["word " * 20] * 6 + ["word " * 900] * 4
    prepared, (_, length, cut) = fit_text(texts, kind="words")
    assert prepared.length == 256 and "900 tokens would hold" in length.reason
    assert cut.choice == "head-tail of the 40.0% of texts that are longer" and "1905.05583" in cut.reason
    _, told = fit_text(texts, kind="words", truncate="tail")
    assert told[2].choice.startswith("tail of") and told[2].reason == "given"
    assert len(fit_text(texts[:6], kind="words")[1]) == 2
    with pytest.raises(OptionError, match="did you mean 'tail'"):
        fit_text(texts, kind="words", truncate="tails")


@pytest.mark.parametrize(
    ("rule", "kept"), [("head", "a b c d e"), ("tail", "e f g h i"), ("head-tail", "a b c h i")]
)
def test_of_a_longer_text_the_rule_says_what_is_kept_and_saving_keeps_the_rule(rule, kept, tmp_path):
    made = TextPreparation(Words("abcdefghi"), 5, rule)
    held = json.loads(json.dumps(made.save(tmp_path / "tokenizer.json")))
    again = TextPreparation.load(tmp_path, held)
    assert (
        made.decode(made.encode(["a b c d e f g h i"]))
        == again.decode(again.encode(["a b c d e f g h i"]))
        == [kept]
    )
    assert made.decode(made.encode(["a b c"])) == ["a b c"]
    del held["truncate"]  # a run of before
    assert TextPreparation.load(tmp_path, held).truncate == "head"


@pytest.mark.parametrize("rule", module.TRUNCATIONS)
@pytest.mark.parametrize("length", [1, 2, 3, 6, 11, 12])
def test_the_special_tokens_around_a_text_stay(rule, length):
    tokenizer = Words(())
    tokenizer.prefix, tokenizer.suffix = [101], [102]
    kept = TextPreparation(tokenizer, length, rule).kept(11)
    assert len(kept) == min(length, 11) and kept == sorted(set(kept)) and kept[-1] == 10
    assert length == 1 or kept[0] == 0


def test_training_again_gives_the_same_tokenizer():
    pytest.importorskip("tokenizers")
    contents = [fit_text(TEXTS, kind="byte-pair", vocabulary=400)[0].tokenizer.to_text() for _ in range(2)]
    assert contents[0] == contents[1]


def test_frequent_words_come_first():
    assert Words.train(["b b a", "c a b"], 4).words == ("b", "a")


def test_without_the_extra_words_are_taken(monkeypatch):
    def missing(name, *, extra):
        raise MissingDependencyError(
            f"this needs the package '{name}'", fix=f'pip install "neurarium[{extra}]"'
        )

    monkeypatch.setattr(module, "require", missing)
    made, decisions = fit_text(TEXTS)
    assert made.tokenizer.kind == "words" and "neurarium[text]" in decisions[0].reason
    with pytest.raises(MissingDependencyError, match="tokenizers"):
        fit_text(TEXTS, kind="byte-pair")


def test_mistakes_are_named(tmp_path):
    with pytest.raises(DataError, match="text column 'note' is empty"):
        fit_text([None, ""], name="note")
    with pytest.raises(OptionError, match="no tokenizer 'word'"):
        fit_text(TEXTS, kind="word")
    made, _ = fit_text(TEXTS, kind="words")
    held = made.save(tmp_path / "tokenizer.json")
    (tmp_path / "tokenizer.json").write_text("{}")
    with pytest.raises(ArtifactError, match="altered"):
        TextPreparation.load(tmp_path, held)
    assert numpy.isfinite(made.length)


def test_empty_texts_are_kept_and_counted_in_the_plan():
    texts = ["good film", "", "bad film", None] * 5
    preparation, decisions = fit_text(texts, kind="words", name="review")
    told = {each.subject: each.choice for each in decisions}
    assert told["empty texts of review"] == "10 of 20 training rows"
    assert preparation.batch(preparation.encode(["", "good"]))["mask"].sum(1).tolist() == [0, 1]
    assert not any("empty" in each.subject for each in fit_text(texts[:1], kind="words")[1])
