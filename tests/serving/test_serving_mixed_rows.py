"""Texts, images in columns, several targets and prediction sets, served: the answers are those of predict."""

from __future__ import annotations

import base64

import numpy
import polars
import pytest
from PIL import Image

import neurarium as nr

WORDS = {
    "good": ("a fine film", "great and warm", "lovely"),
    "bad": ("a dull film", "poor and cold", "awful"),
}


@pytest.fixture(scope="module")
def reviews(tmp_path_factory):
    """Rows of a text, a picture, a number; the verdict and the price depend on text and picture."""
    folder = tmp_path_factory.mktemp("reviews")
    chance = numpy.random.default_rng(0)
    lines = ["said,photo,age,verdict,price"]
    for number in range(90):
        verdict = ("good", "bad")[number % 2]
        said = WORDS[verdict][number % 3] + f" {chance.integers(50)}"
        shade = int(chance.integers(0, 256))
        Image.fromarray(numpy.full((8, 8, 3), shade, dtype=numpy.uint8)).save(folder / f"{number}.png")
        lines.append(f"{said},{number}.png,{20 + number % 50},{verdict},{shade + number % 7}")
    (folder / "reviews.csv").write_text("\n".join(lines))
    return folder


def photo(folder, number):
    return base64.b64encode((folder / f"{number}.png").read_bytes()).decode()


def test_mixed_rows_of_several_targets_get_the_answers_of_predict(serving, reviews, tmp_path):
    data = nr.data.table(
        reviews / "reviews.csv", ("verdict", "price"), types={"said": "text", "photo": "image"}
    )
    run = nr.studies.train(data, epochs=2, progress=False, out=tmp_path / "run")
    client = serving(nr.load(run.folder))
    frame = polars.read_csv(reviews / "reviews.csv").head(6)
    rows = [
        {"said": row["said"], "photo": photo(reviews, n), "age": row["age"]}
        for n, row in enumerate(frame.to_dicts())
    ]
    answers = client.predictions(rows)
    expected = nr.studies.predict(run, reviews / "reviews.csv").head(6).to_dicts()
    for answer, row in zip(answers, expected, strict=True):
        assert answer["verdict"]["prediction"] == row["verdict_prediction"]
        assert answer["verdict"]["probabilities"]["good"] == pytest.approx(
            row["verdict_probability_good"], abs=1e-5
        )
        assert answer["price"]["prediction"] == pytest.approx(row["price_prediction"], rel=1e-4)
        assert answer["price"]["low"] < answer["price"]["prediction"] < answer["price"]["high"]
    without = client.predictions([{**rows[0], "photo": None}])[0]
    assert without["price"]["prediction"] != answers[0]["price"]["prediction"]  # the picture is looked at
    schema = client.ask("/openapi.json")[1]["components"]["schemas"]
    assert schema["Example"]["properties"]["photo"]["contentMediaType"] == "image/*"
    assert set(schema["Prediction"]["properties"]) == {"verdict", "price", "notes"}


def test_a_path_of_this_machine_is_no_image(serving, reviews, tmp_path):
    data = nr.data.table(reviews / "reviews.csv", "verdict", types={"said": "text", "photo": "image"})
    run = nr.studies.train(data, epochs=1, progress=False, out=tmp_path / "run")
    client = serving(nr.load(run.folder))
    row = {"said": "fine", "age": 3, "price": 1}
    status, answer = client.ask(body={**row, "photo": str(reviews / "0.png")})
    assert status == 422 and "base64" in answer["error"]["message"]
    broken = base64.b64encode(b"no image at all").decode()
    status, answer = client.ask(body=[{**row, "photo": photo(reviews, 0)}, {**row, "photo": broken}])
    assert status == 422 and "photo" in answer["error"]["message"] and client.well()


def test_a_text_alone_and_its_prediction_set(serving, tmp_path):
    lines = ["said,verdict"]
    for number in range(120):
        verdict = ("good", "bad")[number % 2]
        lines.append(f"{WORDS[verdict][number % 3]} {number},{verdict}")
    path = tmp_path / "said.csv"
    path.write_text("\n".join(lines))
    data = nr.data.table(path, "verdict", types={"said": "text"})
    run = nr.studies.train(data, "text-bag", epochs=3, progress=False, out=tmp_path / "run")
    nr.studies.choose_sets(run, data, level=0.8)
    client = serving(nr.load(run.folder))
    texts = ["a fine film", "awful", "great and poor"]
    answers = client.predictions(texts)
    assert answers == client.predictions([{"said": each} for each in texts])
    expected = nr.studies.predict(run, {"said": texts})
    assert [each["prediction"] for each in answers] == expected["prediction"].to_list()
    assert [each["prediction_set"] for each in answers] == expected["prediction_set"].to_list()
    assert client.ask("/openapi.json")[1]["components"]["schemas"]["Example"]["description"].startswith(
        "or the text"
    )
