"""Generation: a model that has learned a rhyme says it; what is kept, slid and unknown is told."""

import pytest

import neurarium as nr
from neurarium.core.errors import DataError, OptionError, RefusalError

RHYME = "ring a ring of roses, a pocket full of posies. "


@pytest.fixture(scope="module", params=["decoder", "lstm", "tcn"])
def run(request):
    data = nr.data.language([RHYME * 60], context=32)
    options = (
        {"width": "32", "blocks": "1", "heads": "2"}
        if request.param == "decoder"
        else {"width": "48", "dropout": "0"}
    )
    return nr.studies.train(
        data, request.param, options={**options, "learning_rate": "0.01"}, steps=150, batch_size=16, progress=False
    )  # fmt: skip


def test_it_goes_on_with_what_it_has_learned(run):
    told = nr.studies.generate(run, "ring a ring of", tokens=30, temperature=0)
    assert told.text == (RHYME * 2)[14:44] and told.ended == "length" and told.tokens == 30
    assert run.results["validation"]["perplexity"] < 1.6
    assert str(told) == "ring a ring of" + told.text


def test_the_seed_decides_and_the_cache_does_not(run):
    texts = [nr.studies.generate(run, "ring", tokens=60, temperature=1.5, seed=seed, cached=cached).text
             for seed, cached in ((1, True), (1, False), (2, True))]  # fmt: skip
    assert texts[0] == texts[1] != texts[2]


def test_pieces_are_the_text(run):
    pieces = []
    told = nr.studies.generate(run, "a", tokens=50, write=pieces.append)
    assert "".join(pieces) == told.text and len(pieces) == 50
    assert told.slid == (0 if told.context is None else 2)


def test_it_ends_before_a_text_that_stops_it_and_shows_nothing_of_that(run):
    whole = nr.studies.generate(run, "ring a ring of", tokens=30, temperature=0).text
    assert whole.startswith(" roses, a pocket")
    for stop, wanted in (
        ((", a",), " roses"),
        (("zebra",), whole),
        (("pocket", "ses"), " ro"),
        ("s, x", whole),
    ):
        pieces = []
        told = nr.studies.generate(
            run, "ring a ring of", tokens=30, temperature=0, stop=stop, write=pieces.append
        )
        assert told.text == wanted == "".join(pieces)
        assert told.ended == ("length" if wanted == whole else "stop")
    with pytest.raises(OptionError, match="stops everything"):
        nr.studies.generate(run, "ring", stop=("",))


def test_a_penalty_of_repetition_leads_to_other_tokens(run):
    plain, none, strong = (
        nr.studies.generate(run, RHYME[:24], tokens=24, temperature=0, **options).text
        for options in ({}, {"repetition_penalty": 1.0}, {"repetition_penalty": 50.0})
    )
    assert plain == none == RHYME[24:] + RHYME[:1] != strong
    with pytest.raises(OptionError, match="draws nothing") as caught:
        nr.studies.generate(run, "ring", beam=2, repetition_penalty=1.2, stop=("x",))
    assert caught.value.fix == "leave out --repetition-penalty and --stop"


def test_unknown_characters_are_told(run):
    assert nr.studies.generate(run, "ring €Ω€", tokens=3).unseen == "€Ω"
    assert "…" not in nr.studies.generate(run, "€", tokens=40, temperature=3.0).text
    assert nr.studies.generate(run, "", tokens=3).tokens == 3


def test_a_beam_finds_what_is_at_least_as_likely_as_the_greedy_text(run):
    greedy = nr.studies.generate(run, "ring a", tokens=12, temperature=0).text
    one = nr.studies.generate(run, "ring a", tokens=12, beam=1)
    several = nr.studies.generate(run, "ring a", tokens=12, beam=4)
    assert one.text == greedy and one.tokens == several.tokens == 12 and several.ended == "length"
    logs = nr.studies.score_texts(run, ["ring a" + one.text, "ring a" + several.text])[0]["log_likelihood"]
    assert logs[1] >= logs[0] - 1e-3 and several.score >= one.score - 1e-6
    with pytest.raises(OptionError, match="draws nothing"):
        nr.studies.generate(run, "ring", beam=2, top_k=3)


def test_scores_say_what_is_likely(run):
    frame, _ = nr.studies.score_texts(run, [RHYME, "gnir a gnir fo sesor"])
    assert frame["perplexity"][0] < 2 < 5 < frame["perplexity"][1] and frame["tokens"].to_list() == [46, 19]
    assert frame["log_likelihood"][0] == pytest.approx(-46 * __import__("math").log(frame["perplexity"][0]))


def test_texts_with_ends_end():
    data = nr.data.language(["one. ", "one. "] * 40, context=12)
    run = nr.studies.train(data, "decoder", options={"width": "16", "blocks": "1", "heads": "2", "learning_rate": "0.01"},
                           steps=60, batch_size=16, progress=False)  # fmt: skip
    told = nr.studies.generate(run, "on", tokens=50, temperature=0)
    assert (told.text, told.ended) == ("e. ", "end")


def test_byte_pairs_of_split_characters_are_whole():
    pytest.importorskip("tokenizers")
    data = nr.data.language(["😀 ünï שלום " * 100], tokenizer="byte-pair", vocabulary=262, context=24)
    run = nr.studies.train(data, "decoder", options={"width": "32", "blocks": "1", "heads": "2", "learning_rate": "0.01"},
                           steps=120, batch_size=16, progress=False)  # fmt: skip
    pieces = []
    told = nr.studies.generate(run, "😀 ", tokens=40, temperature=0, write=pieces.append)
    assert "".join(pieces) == told.text and "ünï" in told.text and "\ufffd" not in told.text[:-1]


def test_what_sees_the_next_token_is_refused_as_a_language_model():
    data = nr.data.language([RHYME * 20], context=16)
    assert data.targets.every_step and data.targets.causal
    with pytest.raises(RefusalError, match=r"sees what stands behind a step(.*\n)+.*--network decoder"):
        nr.studies.train(data, "text-cnn", epochs=1, progress=False)


def test_what_does_not_fit_is_refused(run):
    with pytest.raises(OptionError, match="nothing to write"):
        nr.studies.generate(run, tokens=0)
    with pytest.raises(RefusalError, match="no language model"):
        nr.studies.generate(nr.studies.train(nr.data.load("iris"), "mlp", epochs=1, progress=False))
    words = nr.data.language([RHYME * 20], tokenizer="words", context=8)
    spoken = nr.studies.train(
        words, "decoder", options={"width": "8", "blocks": "1", "heads": "2"}, steps=2, progress=False
    )
    with pytest.raises(DataError, match="holds no token"):
        nr.studies.generate(spoken, "  ")
