"""Every kind of run behind HTTP: the answers are those of predict, and of the form that OpenAPI says."""

from __future__ import annotations

import base64
import datetime
import importlib
import io
import json
import pkgutil

import numpy
import polars
import pytest
from PIL import Image as Pillow

import neurarium as nr
import neurarium.data.preparation
import neurarium.studies.prediction.scenes
from neurarium.core.errors import UserError
from neurarium.data.preparation.piano_rolls import PianoRollPreparation
from neurarium.data.readers.wav import write_wav
from neurarium.serving import Predictor
from neurarium.serving.kinds import KINDS

RATE = 4000


def fitted(data, network=None, **options):
    given = {"epochs": 1, "progress": False, "evaluate": False, **options}
    return nr.studies.train(data, network, **given)


@pytest.fixture(scope="module")
def history():
    days = [datetime.date(2023, 1, 1) + datetime.timedelta(days=number) for number in range(160)]
    load = 10 + numpy.sin(numpy.arange(160) * 2 * numpy.pi / 7)
    frame = polars.DataFrame({"day": [each.isoformat() for each in days], "load": load})
    return frame, fitted(nr.data.forecast(frame, "load", time="day", horizon=7), "dlinear", evaluate=True)


@pytest.fixture(scope="module")
def language():
    data = nr.data.language(["to be or not to be " * 40], context=16)
    return fitted(data, "decoder", options={"width": "16", "blocks": "1", "heads": "2"})


@pytest.fixture(scope="module")
def tones(tmp_path_factory):
    """Recordings of low and high tones, and a table of what is said in them."""
    folder = tmp_path_factory.mktemp("tones")
    chance, lines = numpy.random.default_rng(0), ["file,said"]
    for number in range(24):
        kind = ("low", "high")[number % 2]
        moments = numpy.arange(RATE // 4 + 50 * number) / RATE
        tone = 0.5 * numpy.sin(2 * numpy.pi * (300, 1200)[number % 2] * moments) + 0.01 * chance.normal(
            size=len(moments)
        )
        (folder / kind).mkdir(exist_ok=True)
        (folder / kind / f"{number}.wav").write_bytes(write_wav(tone, RATE))
        lines.append(f"{kind}/{number}.wav,{kind}")
    (folder / "said.csv").write_text("\n".join(lines))
    return folder


@pytest.fixture(scope="module")
def squares(tmp_path_factory):
    folder = tmp_path_factory.mktemp("squares")
    chance, lines = numpy.random.default_rng(0), ["image,x_min,y_min,x_max,y_max,label"]
    for kind in ("images", "masks"):
        (folder / kind).mkdir()
    for number in range(24):
        top, left = chance.integers(0, 11, 2)
        codes = numpy.zeros((16, 16), numpy.uint8)
        codes[top : top + 6, left : left + 6] = 255
        Pillow.fromarray((codes * 0.7).astype(numpy.uint8)).save(folder / "images" / f"{number:02d}.png")
        Pillow.fromarray(codes).save(folder / "masks" / f"{number:02d}.png")
        lines.append(f"{number:02d}.png,{left},{top},{left + 6},{top + 6},square")
    (folder / "boxes.csv").write_text("\n".join(lines))
    return folder


def told(predictor, *values):
    """Ask without a network between; every answer has the form that the description says."""
    answers = predictor.answer(
        [predictor.parse(each, f"example {place}") for place, each in enumerate(values, 1)]
    )
    for each in answers:
        fits(each, predictor.answers.schema())
    return answers


def fits(value, schema):
    """The part of JSON Schema that our descriptions use."""
    if "oneOf" in schema:
        assert sum(set(each["required"]) <= set(value) for each in schema["oneOf"]) == 1
    if "enum" in schema:
        assert value in schema["enum"]
    if schema.get("type") == "array":
        assert isinstance(value, list)
        for each in value:
            fits(each, schema["items"])
    if schema.get("type") == "object":
        assert set(schema.get("required", ())) <= set(value)
        more = schema.get("additionalProperties", {})
        for name, each in value.items():
            fits(each, schema["properties"].get(name, more))
    python = {"number": (int, float), "string": str, "boolean": bool, "integer": int}
    kind = schema.get("type")
    if isinstance(kind, str) and kind in python:
        assert isinstance(value, python[kind]), (value, schema)


def encoded(path):
    return base64.b64encode(path.read_bytes()).decode()


def test_every_preparation_has_a_row():
    names = [each.name for each in pkgutil.iter_modules(nr.data.preparation.__path__)]
    modules = [importlib.import_module(f"neurarium.data.preparation.{name}") for name in names]
    classes = {each for module in modules for each in vars(module).values() if isinstance(each, type)}
    made = {
        each
        for each in classes
        if hasattr(each, "apply") and hasattr(each, "save") and not hasattr(each, "_is_protocol")
    }
    assert len(made) >= 13 and made <= set(KINDS)


def test_recent_rows_are_forecast_over_http_as_predict_forecasts_them(serving, history):
    frame, run = history
    client = serving(run)
    recent = frame.tail(60)
    answer = client.predictions({"rows": recent.to_dicts()})
    expected = nr.studies.predict(run, recent)
    assert answer[0]["forecast"] == expected.to_dicts()
    assert len(answer[0]["forecast"]) == 7 and {"day", "prediction", "low", "high"} == set(
        answer[0]["forecast"][0]
    )
    several = client.predictions([{"rows": recent.to_dicts()}, {"rows": frame.tail(90).to_dicts()}])
    assert several[0] == answer[0] and several[1] == {
        "forecast": nr.studies.predict(run, frame.tail(90)).to_dicts()
    }
    fits(answer[0], client.ask("/openapi.json")[1]["components"]["schemas"]["Prediction"])
    for wrong, said in (
        ({"rows": recent.head(3).to_dicts()}, "no series is long enough"),
        ({"rows": recent.rename({"load": "lood"}).to_dicts()}, "no column in the request: 'load'"),
        ({"rows": []}, "holds no rows"), ([1, 2], "holds no rows"), ({"rows": [{"day": [1], "load": 2}]}, "plain value"),
        ({"rows": [{"day": "2023-01-01", "load": "x"}] * 30}, "numbers alone"),
    ):  # fmt: skip
        status, refused = client.ask(body=wrong)
        assert status == 422 and said in refused["error"]["message"], refused
    assert client.well()


def test_series_are_classified_whatever_stands_beside_them():
    waves = [numpy.sin(numpy.arange(20 + each % 3) * (1 + each % 2) + each) for each in range(40)]
    run = fitted(nr.data.series(waves, [str(each % 2) for each in range(40)]), "minirocket")
    predictor = Predictor(run)
    values = [each.tolist() for each in waves[:6]]
    found = told(predictor, *({"series": each} for each in values))
    for each, value in zip(found, values, strict=True):
        frame = nr.studies.predict(run, [numpy.array(value)])
        assert each["prediction"] == frame["prediction"][0]
        assert each["probabilities"]["1"] == pytest.approx(frame["probability_1"][0], abs=1e-5)
        assert told(predictor, value)[0]["probabilities"]["1"] == pytest.approx(
            each["probabilities"]["1"], abs=1e-5
        )
    gap = [None, *values[0][1:]]
    assert told(predictor, {"series": gap})[0]["prediction"] == found[0]["prediction"]
    for wrong in ("text", {"series": []}, {"series": [[1, 2]]}, {"series": [None]}, {"other": [1]}, [1e999]):
        with pytest.raises(UserError):
            predictor.parse(wrong, "the request")


def test_recordings_are_heard_as_files_base64_and_samples(serving, tones):
    run = fitted(nr.data.sounds(tones), "speech-cnn", epochs=2, options={"widths": "8", "mels": "16"})
    client = serving(run)
    paths = [tones / "low" / "0.wav", tones / "high" / "1.wav"]
    expected = nr.studies.predict(run, list(map(str, paths)))["probability_low"].to_list()
    found = client.predictions([{"sound": encoded(each)} for each in paths])
    alone = [client.predictions(each.read_bytes(), kind="audio/wav")[0] for each in paths]
    for answers in (found, alone):
        assert [each["probabilities"]["low"] for each in answers] == pytest.approx(expected, abs=1e-4)
    silence = client.predictions({"sound": [0.0] * 500})[0]
    assert silence["prediction"] in ("low", "high")
    status, refused = client.ask(
        body=[{"sound": encoded(paths[0])}, {"sound": base64.b64encode(b"RIFF").decode()}]
    )
    assert status == 422 and refused["error"]["problem"].startswith("example 2: the recording cannot be read")
    slow = write_wav(numpy.zeros(4_000_000), 100)  # 11 hours in 8 MB, once it has the rate of the training
    with_rate = Predictor(run)
    (told_why,) = with_rate.answer([with_rate.parse(slow, "it")])
    assert isinstance(told_why, UserError) and "longer than" in str(told_why)
    assert client.ask(body={"sound": [2.0]})[0] == client.ask(body={"sound": "é"})[0] == 422


def test_what_is_said_is_written_down(tones):
    data = nr.data.sounds(tones / "said.csv", sound="file", target="said", task="transcription")
    run = fitted(data, "speech-ctc", options={"widths": "8", "width": "8", "layers": "1", "mels": "16"})
    predictor = Predictor(run)
    path = tones / "high" / "1.wav"
    (found,) = told(predictor, {"sound": encoded(path)})
    expected = nr.studies.predict(run, path)
    assert found["prediction"] == expected["prediction"][0]
    assert found["probability"] == pytest.approx(expected["probability"][0], rel=1e-3)


def test_texts_are_translated():
    rows = {"en": ["a cat", "a dog"] * 20, "de": ["eine Katze", "ein Hund"] * 20}
    data = nr.data.text_pairs(rows, text="en", target="de", tokenizer="words")
    run = fitted(data, "seq2seq-lstm", options={"width": "32", "dropout": "0"}, epochs=25)
    predictor = Predictor(run)
    found = told(predictor, "a dog", {"en": "a cat"}, {"text": "a dog"}, "")
    assert [each["prediction"] for each in found] == ["ein Hund", "eine Katze", "ein Hund", ""]
    assert found[0]["score"] == pytest.approx(nr.studies.translate(run, ["a dog"])["score"][0], abs=1e-5)
    assert "cut" in told(predictor, "a dog " * 50)[0]["notes"]
    for wrong in (7, {"de": "ein Hund"}, "a" * 100_001):
        with pytest.raises(UserError):
            predictor.parse(wrong, "the request")


def test_a_language_model_goes_on_and_scores(serving, language):
    client = serving(language)
    asked = {"prompt": "to be", "tokens": 9, "temperature": 0.7, "top_k": 5, "seed": 3}
    expected = nr.studies.generate(language, "to be", tokens=9, temperature=0.7, top_k=5, seed=3)
    (found,) = client.predictions(asked)
    assert found["text"] == expected.text and found["tokens"] == 9 and found["ended"] == "length"
    assert client.predictions("to be")[0]["tokens"] == 200
    scored, beamed = client.predictions([{"text": "to be"}, {"prompt": "to", "beam": 2, "tokens": 4}])
    frame = nr.studies.predict(language, ["to be"])
    assert scored["perplexity"] == pytest.approx(frame["perplexity"][0]) and beamed["score"] < 0
    for each in (found, scored, beamed):
        fits(each, client.ask("/openapi.json")[1]["components"]["schemas"]["Prediction"])
    for wrong, said in (
        ({"prompt": "a", "tokens": 1001}, "from 1 to 1000"), ({"prompt": "a", "tokens": 2.5}, "a whole number"),
        ({"prompt": "a", "temperatur": 1}, "did you mean 'temperature'?"), ({"prompt": "a", "text": "b"}, "no question"),
        ({"prompt": "a", "beam": 2, "top_k": 2}, "beam"), ({"text": "t"}, "too short"), ({"text": 7}, "no text"),
        ({"prompt": "a", "seed": True}, "out of range"),
    ):  # fmt: skip
        status, refused = client.ask(body=wrong)
        assert status == 422 and said in refused["error"]["message"], refused
    unseen = client.predictions({"prompt": "é", "tokens": 1})[0]
    assert unseen["notes"]["unseen"] == "é"


def test_the_words_of_a_text_get_their_tags():
    rows = {
        "tokens": [["Anna", "sings"], ["a", "dog", "barks"]] * 9,
        "tags": [["N", "V"], ["D", "N", "V"]] * 9,
    }
    run = fitted(
        nr.data.tagged(rows), epochs=30, options={"width": "16", "dropout": "0.0", "learning_rate": "0.01"}
    )
    predictor = Predictor(run)
    text, words = told(predictor, "a dog sings", {"words": ["Anna", "barks"]})
    assert [each["prediction"] for each in text["words"]] == ["D", "N", "V"]
    assert [each["word"] for each in words["words"]] == ["Anna", "barks"]
    for wrong in ("", {"words": []}, {"words": [1]}, {"text": None}):
        with pytest.raises(UserError):
            predictor.parse(wrong, "the request")


def test_a_trace_is_looked_through():
    values = numpy.sin(numpy.arange(1500) / 5)
    run = fitted(nr.data.traces(values))
    values[1200] = 4.0
    (found,) = told(Predictor(run), {"values": values.tolist()})
    expected = nr.studies.predict(run, values)
    assert (
        found["moments"][1200]["anomaly"]
        and [each["score"] for each in found["moments"]] == expected["score"].to_list()
    )


def test_a_piano_roll_gets_what_comes_next():
    chance = numpy.random.default_rng(0)
    rolls = [(chance.random((6 + each, 88)) < 0.1).astype(numpy.uint8) for each in range(3)]
    predictor = Predictor(_framed(rolls))
    found = told(predictor, *({"roll": each.tolist()} for each in rolls))
    assert [len(each["steps"]) for each in found] == [5, 6, 7]
    expected = nr.studies.predict(predictor.run, rolls)["expected"].to_list()
    assert [step["expected"] for each in found for step in each["steps"]] == pytest.approx(expected, abs=1e-4)


def _framed(rolls):
    preparation = PianoRollPreparation(8)
    examples = nr.data.Examples(preparation.batch(rolls, 8))
    data = nr.data.Dataset(
        "rolls", preparation.inputs, preparation.targets, examples, preparation=preparation
    )
    return fitted(data, "lstm", options={"width": "8"})


def test_masks_and_boxes_lie_in_the_pixels_of_the_file(squares, tmp_path):
    picture = squares / "images" / "00.png"
    data = nr.data.masks(squares / "images", masks=squares / "masks", classes=("ground", "square"))
    predictor = Predictor(fitted(data, "unet", options={"width": "4", "depth": "1"}, epochs=3))
    found, broken = predictor.answer(
        [predictor.parse(each, "it") for each in (picture.read_bytes(), b"no image")]
    )
    fits(found, predictor.answers.schema())
    nr.studies.prediction.scenes.predict_scenes(predictor.run, picture, tmp_path / "out")
    mask = Pillow.open(io.BytesIO(base64.b64decode(found["mask"])))
    assert numpy.array_equal(
        numpy.asarray(mask), numpy.asarray(Pillow.open(tmp_path / "out" / "masks" / "00.png"))
    )
    assert sum(found["shares"].values()) == pytest.approx(1) and isinstance(broken, UserError)
    data = nr.data.boxes(squares / "images", boxes=squares / "boxes.csv")
    predictor = Predictor(fitted(data, options={"width": "4"}))
    (found,) = told(predictor, {"image": encoded(picture)})
    expected = nr.studies.predict(predictor.run, picture)
    assert [each["score"] for each in found["boxes"]] == sorted(expected["score"].to_list(), reverse=True)
    with pytest.raises(UserError, match="holds pixels"):
        predictor.parse({"image": numpy.zeros((16, 16), int).tolist()}, "it")


ODD = (
    None, True, 0, -1.5, 1e308, 10**400, "", " ", "\x00", "\ud800", "NaN", "2024-02-30", [], [None], [[]], [[], [1]], [1, [2]], [True],
    ["a"], [1e308, -1e308], [[1, 2, 3]], {}, {"": 1}, {"a": {"b": []}}, [{}], [{"day": None}], [{"day": 1, "load": 2}],
    [{"day": "x", "load": "y"}] * 40, [{"day": f"2024-01-{day:02}", "load": day} for day in range(1, 29)] * 3,
)  # fmt: skip
KEYS = (
    "rows",
    "values",
    "series",
    "sound",
    "text",
    "words",
    "prompt",
    "roll",
    "image",
    "array",
    "tokens",
    "en",
    "other",
)


@pytest.fixture(scope="module")
def small(history, language, tones):
    """A predictor of each kind of sequence, as small as it gets."""
    waves = [numpy.sin(numpy.arange(20) * (1 + each % 2) + each) for each in range(30)]
    words = {"tokens": [["a", "dog"], ["dogs"]] * 9, "tags": [["D", "N"], ["N"]] * 9}
    pairs = nr.data.text_pairs(
        {"en": ["a cat", "a dog"] * 9, "de": ["Katze", "Hund"] * 9}, text="en", target="de", tokenizer="words"
    )
    days = {"day": [str(number) for number in range(500)], "load": numpy.sin(numpy.arange(500) / 5).tolist()}
    runs = [
        history[1], language,
        fitted(nr.data.series(waves, [str(each % 2) for each in range(30)]), "minirocket"),
        fitted(nr.data.tagged(words), options={"width": "8"}),
        fitted(pairs, "seq2seq-lstm", options={"width": "8"}),
        fitted(nr.data.traces(numpy.sin(numpy.arange(500) / 5))),
        fitted(nr.data.traces(days, target="load", time="day")),
        fitted(nr.data.sounds(tones), "speech-cnn", options={"widths": "8", "mels": "16"}),
        _framed([numpy.eye(6, 88, dtype=numpy.uint8)] * 3),
    ]  # fmt: skip
    return [Predictor(run) for run in runs]


def test_odd_values_are_refused_in_words_or_answered(small):
    """Never anything but an answer or a message: 29 values, bare and under 13 names, to nine kinds of runs."""
    refused = answered = 0
    for predictor in small:
        for value in (*ODD, *({key: value} for key in KEYS for value in ODD)):
            try:
                (found,) = predictor.answer([predictor.parse(value, "the request")])
            except UserError as error:
                found = error
            if isinstance(found, UserError):
                assert str(found) and len(str(found)) < 9000
                refused += 1
            else:
                json.dumps(found, allow_nan=False)
                answered += 1
    assert refused > 2500 and answered > 40
