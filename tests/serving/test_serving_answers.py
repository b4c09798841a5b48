"""Answers of the server are those of `neurarium predict`, whoever asks beside it."""

from __future__ import annotations

import base64
import io
import json
from concurrent.futures import ThreadPoolExecutor

import numpy
import polars
import pytest
from PIL import Image as Pillow

import neurarium as nr
from neurarium.core.errors import UserError
from neurarium.studies.prediction.study import predict

PEOPLE = {"age": 30, "color": "red", "salary": "$30,000", "member": "no", "born": "1960-02-11"}


def apart(answers, frame, classes):
    """Return the largest difference of a probability; the classes are the same."""
    assert [each["prediction"] for each in answers] == frame["prediction"].to_list()
    found = numpy.array([[each["probabilities"][name] for name in classes] for each in answers])
    wanted = frame.select([f"probability_{name}" for name in classes]).to_numpy()
    return numpy.abs(found - wanted).max()


def test_rows_of_a_file_as_json_get_the_answers_of_predict(table_client, people):
    path, run = people
    frame = polars.read_csv(path, infer_schema=False)
    rows = [{name: value for name, value in row.items() if name != "target"} for row in frame.to_dicts()]
    expected = predict(run, path)
    assert apart(table_client.predictions(rows), expected, ("yes", "no")) < 1e-6
    alone = [table_client.predictions(row)[0] for row in rows[:20]]
    assert apart(alone, expected[:20], ("yes", "no")) < 1e-6


def test_numbers_and_truth_values_may_be_json_values(table_client):
    text = table_client.predictions(PEOPLE)
    assert table_client.predictions({**PEOPLE, "age": 30.0, "salary": 30000, "member": False}) == text
    assert table_client.predictions({**PEOPLE, "age": " 30 "}) == text
    assert table_client.predictions({**PEOPLE, "age": 55}) != text


def test_gaps_and_unseen_categories_are_noted_and_answered(table_client, people):
    run = people[1]
    answer = table_client.predictions({**PEOPLE, "color": "mauve", "age": None, "salary": "much"})[0]
    assert answer["notes"] == {"unseen": {"color": "mauve"}, "unreadable": {"salary": "much"}}
    expected = predict(run, {**PEOPLE, "color": "mauve", "age": None, "salary": None})
    assert abs(answer["probabilities"]["yes"] - expected["probability_yes"][0]) < 1e-6
    assert "notes" not in table_client.predictions({**PEOPLE, "color": None})[0]


def test_an_answer_does_not_depend_on_who_asks_at_the_same_time(table_client):
    rows = [
        {**PEOPLE, "age": age, "color": color}
        for age in (25, "55", 40.5)
        for color in ("red", "blue", 7, "x")
    ]
    alone = [table_client.predictions(row)[0] for row in rows]
    with ThreadPoolExecutor(12) as pool:
        together = list(pool.map(lambda row: table_client.predictions(row)[0], rows * 4))
    for one, other in zip(alone * 4, together, strict=True):
        assert abs(one["probabilities"]["yes"] - other["probabilities"]["yes"]) < 1e-6


def png(pixels):
    stream = io.BytesIO()
    Pillow.fromarray(pixels).save(stream, "PNG")
    return stream.getvalue()


def form(*contents):
    parts = [
        b'--edge\r\nContent-Disposition: form-data; name="image"; filename="%d.png"\r\n\r\n%s\r\n'
        % (number, content)
        for number, content in enumerate(contents)
    ]
    return b"".join(parts) + b"--edge--\r\n"


def test_images_as_pixels_base64_form_and_bytes_agree_with_predict(image_client, digits_run, tmp_path):
    pixels = nr.data.load("digits").test.batch["inputs"][:5, 0].numpy()
    files = [png(each) for each in pixels]
    for number, content in enumerate(files):
        (tmp_path / f"{number}.png").write_bytes(content)
    expected = predict(digits_run, tmp_path)
    names = digits_run.targets.names
    assert (
        apart(image_client.predictions([{"image": each.tolist()} for each in pixels]), expected, names) < 1e-6
    )
    encoded = [{"image": base64.b64encode(each).decode()} for each in files]
    assert apart(image_client.predictions(encoded), expected, names) < 1e-6
    assert (
        apart(
            image_client.predictions(form(*files), kind="multipart/form-data; boundary=edge"), expected, names
        )
        < 1e-6
    )
    assert apart(image_client.predictions(files[0], kind="image/png"), expected[:1], names) < 1e-6
    mixed = [
        {"image": pixels[0].tolist()},
        {"image": base64.b64encode(files[1]).decode()},
        {"image": pixels[2].tolist()},
    ]
    assert apart(image_client.predictions(mixed), expected[:3], names) < 1e-6


def test_a_broken_image_is_refused_and_its_neighbours_are_not(image_client):
    good = png(numpy.zeros((8, 8), dtype=numpy.uint8))
    status, answer = image_client.ask(body=good[:40], kind="image/png")
    assert status == 422 and "cannot be read" in answer["error"]["problem"]
    status, answer = image_client.ask(body=form(good, b"no image"), kind="multipart/form-data; boundary=edge")
    assert status == 422 and answer["error"]["problem"].startswith("example 2")
    assert image_client.ask(body=good, kind="image/png")[0] == 200


def test_quantities_come_with_their_intervals(serving, tmp_path):
    data = nr.data.load("diabetes")
    run = nr.studies.train(
        data, "mlp", options={"widths": "16"}, epochs=3, progress=False, out=tmp_path / "run"
    )
    client = serving(nr.load(run.folder))
    rows = {name: [0.01, -0.02, 0.05] for name in run.preparation.sources}
    expected = predict(run, rows)
    answers = client.predictions([{name: rows[name][k] for name in rows} for k in range(3)])
    for name in ("prediction", "low", "high"):
        assert numpy.allclose([each[name] for each in answers], expected[name].to_numpy(), rtol=1e-6)


def test_arrays_are_answered(serving):
    chance = numpy.random.default_rng(0)
    inputs = chance.normal(size=(100, 3, 2)).astype(numpy.float32)
    data = nr.data.arrays(inputs, (inputs[:, 0, 0] > 0).astype(int))
    run = nr.studies.train(data, "mlp", options={"widths": "8"}, epochs=3, progress=False)
    client = serving(run)
    expected = predict(run, inputs[:4])
    assert (
        apart(client.predictions([{"array": each.tolist()} for each in inputs[:4]]), expected, ("0", "1"))
        < 1e-6
    )
    assert apart(client.predictions(inputs[0].tolist()), expected[:1], ("0", "1")) < 1e-6
    assert client.ask(body={"array": [1, 2]})[0] == 422


@pytest.mark.slow
@pytest.mark.parametrize("name", ["adult", "california-housing"])
def test_real_tables_get_the_answers_of_predict(name, serving, tmp_path):
    try:
        data = nr.data.load(name)
    except UserError as error:
        pytest.skip(str(error))
    run = nr.studies.train(
        data, "mlp", options={"widths": "32"}, epochs=1, progress=False, out=tmp_path / "run"
    )
    run = nr.load(run.folder)
    frame = polars.DataFrame([data.rereading.column(each) for each in run.preparation.sources])[:300]
    expected, answers = predict(run, frame), serving(run).predictions(json.loads(frame.write_json()))
    if name == "adult":
        assert apart(answers, expected, run.targets.names) < 1e-6
    else:
        for key in ("prediction", "low", "high"):
            assert numpy.allclose([each[key] for each in answers], expected[key].to_numpy(), rtol=1e-6)


def test_asgi_is_the_application_alone(people):
    inner = nr.serving.asgi(people[1])
    assert {"/predict", "/health", "/openapi.json", "/metrics", "/"} == inner.paths
    assert isinstance(nr.serving.Predictor(people[1]).answer([]), list) and callable(nr.serving.serve)
