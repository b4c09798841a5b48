"""Mixed rows: text and image columns recognised, prepared on training rows, learned from, predicted."""

import numpy
import polars
import pytest
import torch
from PIL import Image as Pillow

import neurarium as nr
from neurarium.core.errors import DataError, RefusalError
from neurarium.data.specs import Mixed, spec_from_json

ROWS = 240


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Three parts that each tell one third of the target."""
    folder = tmp_path_factory.mktemp("mixed")
    chance = numpy.random.default_rng(0)
    word, shade, number = (chance.integers(0, 2, ROWS) for _ in range(3))
    names = []
    for row in range(ROWS):
        pixels = chance.integers(0, 60, (10, 12, 3)) + 150 * shade[row]
        Pillow.fromarray(pixels.astype(numpy.uint8)).save(folder / f"{row}.png")
        names.append(f"{row}.png")
    (folder / "7.png").write_bytes(b"broken")
    notes = [f"row {row} is a {'good' if word[row] else 'bad'} one" for row in range(ROWS)]
    notes[3] = ""
    label = numpy.where(word + shade + number >= 2, "yes", "no")
    frame = {
        "note": notes,
        "photo": names,
        "size": number + 0.1 * chance.standard_normal(ROWS),
        "label": label.tolist(),
    }
    polars.DataFrame(frame).write_csv(folder / "rows.csv")
    return folder


def read(folder, **options):
    return nr.data.table(folder / "rows.csv", "label", tokenizer="words", **options)


def test_kinds_are_recognised_with_a_reason_and_an_override(folder):
    data = read(folder)
    assert isinstance(data.inputs, Mixed) and data.inputs.parts == ("table", "text_note", "image_photo")
    told = {each.subject: each for each in data.decisions}
    assert told["column note"].choice == "text" and "words per value" in told["column note"].reason
    assert told["column photo"].choice == "image" and "photo" in told["column photo"].override
    assert [each["file"].endswith("7.png") for each in data.summary["quarantined"]] == [True]
    assert spec_from_json(data.inputs.to_json()) == data.inputs
    plain = read(folder, types={"note": "drop", "photo": "drop"})
    assert plain.inputs.numeric == ("size",)


def test_batches_are_flat_and_missing_parts_are_zero(folder):
    data = read(folder, split={"train": range(200), "test": range(200, ROWS)})
    batch = data.train[0:10]["inputs"]
    assert set(batch) == {"numeric", "text_note_tokens", "text_note_mask", "image_photo"}
    assert not batch["text_note_mask"][3].any() and batch["text_note_mask"][4].any()
    assert (batch["image_photo"][7] == 0).all() and batch["image_photo"].shape == (10, 3, 10, 10)
    kept = data.train.inputs["image_photo"][[row for row in range(200) if row != 7]]
    torch.testing.assert_close(kept.mean(dim=(0, 2, 3)), torch.zeros(3), atol=1e-4, rtol=0)
    torch.testing.assert_close(kept.std(dim=(0, 2, 3)), torch.ones(3), atol=1e-3, rtol=0)


def test_test_rows_do_not_reach_the_preparation(folder):
    split = {"train": list(range(150)), "test": list(range(150, ROWS))}
    frame = polars.read_csv(folder / "rows.csv")
    changed = frame.with_columns(
        polars.when(polars.int_range(ROWS) < 150)
        .then("note")
        .otherwise(polars.lit("other words here"))
        .alias("note")
    )
    changed.write_csv(folder / "changed.csv")
    one = nr.data.table(folder / "rows.csv", "label", tokenizer="words", split=split)
    two = nr.data.table(folder / "changed.csv", "label", tokenizer="words", split=split)
    for key, tensor in one.train.inputs.items():
        assert torch.equal(tensor, two.train.inputs[key])


def test_each_part_counts_and_a_saved_run_predicts(folder, tmp_path):
    run = nr.studies.train(
        read(folder, split={"train": range(180), "test": range(180, ROWS)}),
        options={"image_options": "widths=8,16", "table_options": "widths=16", "text_options": "width=16", "width": "32"},
        epochs=15, out=tmp_path / "run", progress=False,
    )  # fmt: skip
    assert run.results["test"]["accuracy"] > 0.85
    again = nr.Run.load(tmp_path / "run")
    assert (tmp_path / "run" / "preparation" / "tokenizer.json").is_file()
    frame = polars.read_csv(folder / "rows.csv").tail(60)

    def accuracy(rows):
        rows.write_csv(folder / "new.csv")
        found = nr.studies.predict(again, folder / "new.csv")["prediction"].to_list()
        return numpy.mean([a == b for a, b in zip(found, rows["label"], strict=True)])

    whole = accuracy(frame)
    assert whole == pytest.approx(run.results["test"]["accuracy"])
    for column in ("note", "photo", "size"):
        mixed = frame.with_columns(polars.col(column).shuffle(seed=0))
        assert accuracy(mixed) < whole - 0.05, column


def test_what_cannot_be_is_named(folder):
    with pytest.raises(RefusalError, match="'tabm' cannot take Mixed") as caught:
        nr.studies.train(read(folder), "tabm", epochs=1, progress=False)
    assert "--network mixed" in str(caught.value)
    with pytest.raises(DataError, match="no file that the column 'note' names"):
        read(folder, types={"note": "image"})
