"""Folders, names and tables of recordings as datasets; odd recordings meet their rules; new ones are read the same way."""

from __future__ import annotations

import builtins
import math

import numpy
import pytest
import torch

import neurarium as nr
from neurarium.core.errors import DataError, MissingDependencyError, OptionError
from neurarium.data.preparation.loading import load_preparation
from neurarium.data.preparation.sounds import name_label
from neurarium.data.preparation.transcripts import transcripts_of
from neurarium.data.readers.recordings import decode, holds_sounds
from neurarium.data.readers.wav import write_wav
from neurarium.data.specs import Transcript, Waveform
from neurarium.studies.examination.mistakes import errors_among
from neurarium.studies.planning.reading import read_data
from neurarium.studies.prediction.seen import Seen

PITCH = {"high": 900.0, "low": 200.0}


def tone(pitch: float, length: int = 800, rate: int = 8000, channels: int = 1) -> numpy.ndarray:
    wave = 0.5 * numpy.sin(2 * math.pi * pitch * numpy.arange(length) / rate)
    return numpy.repeat(wave[:, None], channels, axis=1)


def record(folder, count: int = 10, rate: int = 8000):
    """Write a folder per class, each recording a little longer than the one before."""
    for label, pitch in PITCH.items():
        (folder / label).mkdir(parents=True, exist_ok=True)
        for number in range(count):
            content = write_wav(tone(pitch, 600 + 20 * number, rate), rate)
            (folder / label / f"{number}.wav").write_bytes(content)
    return folder


def decided(dataset) -> dict[str, str]:
    return {each.subject: f"{each.choice}: {each.reason}" for each in dataset.decisions}


def test_a_folder_per_class(tmp_path):
    dataset = nr.data.sounds(record(tmp_path / "tones"))
    assert isinstance(dataset.inputs, Waveform) and dataset.inputs.rate == 8000
    assert dataset.targets.names == ("high", "low") and dataset.summary["splits"] == {
        "train": 14,
        "validation": 3,
        "test": 3,
    }
    inputs = dataset.train.inputs
    assert inputs["waveform"].shape == (14, dataset.inputs.length)
    for waveform, length in zip(inputs["waveform"], inputs["lengths"].tolist(), strict=True):
        assert (
            600 <= length <= dataset.inputs.length
            and (waveform[length:] == 0).all()
            and waveform[:length].std() > 0.3
        )
    crossings = (inputs["waveform"][:, 1:600] * inputs["waveform"][:, :599] < 0).sum(dim=1)
    assert ((crossings > 100) == (dataset.train.targets == 0)).all()  # the high tone is class 0
    lengths = [600 + 20 * (int(row) % 10) for row in dataset.rows["train"]]
    assert (
        dataset.inputs.length == math.ceil(numpy.percentile(lengths, 99))
        and "99th percentile" in decided(dataset)["length"]
    )


def test_each_example_has_its_file_and_the_worst_errors_name_it(tmp_path):
    folder = record(tmp_path / "tones")
    (folder / "high" / "3.wav").write_bytes(b"no sound")  # what is left out moves no name
    dataset = nr.data.sounds(folder)
    for split, examples in dataset.splits.items():
        named = [dataset.files[split](place) for place in range(len(examples))]
        assert len(set(named)) == len(named) and "high/3.wav" not in named
        for place, name in enumerate(named):
            assert dataset.targets.names[int(examples.targets[place])] == name.partition("/")[0]
            assert int(examples.inputs["lengths"][place]) == min(
                600 + 20 * int(name[:-4].rpartition("/")[2]), dataset.inputs.length
            )
    made = errors_among(
        Seen(torch.tensor([[0.1, 0.9]]).repeat(len(dataset.test), 1), torch.zeros(len(dataset.test), dtype=torch.int64), None, None),
        dataset.targets, dataset.test, dataset.preparation, told=dataset.told("test"),
    )  # fmt: skip
    assert {each.note for each in made} == {
        dataset.files["test"](place) for place in range(len(dataset.test))
    }


def test_names_say_the_class(tmp_path):
    for label, pitch in PITCH.items():
        for number in range(8):
            (tmp_path / f"{label}_anna_{number}.wav").write_bytes(write_wav(tone(pitch), 8000))
    dataset = nr.data.sounds(tmp_path)
    assert (
        dataset.targets.names == ("high", "low") and "names up to the first _" in decided(dataset)["classes"]
    )
    assert name_label(tmp_path / "7_jackson_32.wav") == "7" and holds_sounds(tmp_path)
    batch, notes = dataset.preparation.apply(tmp_path)
    assert batch["targets"].tolist() == [0] * 8 + [1] * 8 and notes["rows"] == 16


def test_folders_of_splits_and_another_folder_to_test_on(tmp_path):
    record(tmp_path / "all" / "train")
    record(tmp_path / "all" / "test", 3)
    record(tmp_path / "more", 2)
    assert len(nr.data.sounds(tmp_path / "all").test) == 6
    assert len(nr.data.sounds(tmp_path / "all" / "train", test=tmp_path / "more").test) == 4
    (tmp_path / "more" / "noise").mkdir()
    (tmp_path / "more" / "noise" / "0.wav").write_bytes(write_wav(tone(50.0), 8000))
    with pytest.raises(DataError, match="class that the training recordings do not have"):
        nr.data.sounds(tmp_path / "all" / "train", test=tmp_path / "more")


def test_odd_recordings_meet_their_rules(tmp_path):
    folder = record(tmp_path, 12)
    (folder / "low" / "stereo.wav").write_bytes(
        write_wav(numpy.stack([tone(200.0)[:, 0], 0 * tone(200.0)[:, 0]], 1), 8000)
    )
    (folder / "low" / "fine.wav").write_bytes(write_wav(tone(200.0, 1600, 16_000), 16_000))
    (folder / "low" / "silent.wav").write_bytes(write_wav(numpy.zeros(700), 8000))
    (folder / "high" / "cut.wav").write_bytes(write_wav(tone(900.0), 8000)[:-100])
    (folder / "high" / "empty.wav").write_bytes(b"")
    (folder / "high" / "notes.txt").write_text("no sound")
    dataset = nr.data.sounds(folder, test_fraction=0.0, validation=0.2)
    said = decided(dataset)
    assert said["rate"].startswith("8,000") and "mean is taken" in said["channels"]
    assert "1 of 16,000" in said["resampled"] and said["silent"].startswith("1 recording:")
    assert {each["file"]: each["reason"] for each in dataset.summary["quarantined"]} == {
        "high/cut.wav": "it is cut off: 1,500 of 1,600 bytes of samples are there",
        "high/empty.wav": "it is empty",
    }
    one, facts = decode(folder / "low" / "stereo.wav")
    assert facts.channels == 2 and numpy.abs(one - tone(200.0)[:, 0] / 2).max() < 1e-4
    batch, _ = dataset.preparation.apply(folder / "low" / "fine.wav")
    plain, _ = dataset.preparation.apply(folder / "low" / "10.wav")
    length = min(batch["inputs"]["waveform"].shape[1], plain["inputs"]["waveform"].shape[1])
    gap = batch["inputs"]["waveform"][:, 30 : length - 30] - plain["inputs"]["waveform"][:, 30 : length - 30]
    assert batch["inputs"]["lengths"].item() == 800 and gap.abs().max() < 2e-3


def test_most_of_them_broken_one_class_and_no_recording(tmp_path):
    folder = record(tmp_path / "a", 2)
    for number in range(8):
        (folder / "low" / f"bad{number}.wav").write_bytes(b"RIFFxxxxWAVE")
    with pytest.raises(DataError, match="more than half of the recordings are broken"):
        nr.data.sounds(folder)
    (tmp_path / "b" / "only").mkdir(parents=True)
    (tmp_path / "b" / "only" / "0.wav").write_bytes(write_wav(tone(90.0), 8000))
    with pytest.raises(DataError, match="one class only"):
        nr.data.sounds(tmp_path / "b")
    with pytest.raises(DataError, match="alone does not say which recordings"):
        read_data(tmp_path / "b" / "only" / "0.wav")


def test_another_rate_and_length_are_obeyed(tmp_path):
    dataset = nr.data.sounds(record(tmp_path), rate=4000, seconds=0.05)
    assert dataset.inputs == Waveform(1, 200, 4000) and dataset.train.inputs["waveform"].shape[1] == 200
    with pytest.raises(OptionError, match="rate of sound"):
        nr.data.sounds(tmp_path, rate=3)
    with pytest.raises(OptionError, match="cut so short"):
        nr.data.sounds(tmp_path, seconds=0)
    loud = nr.data.sounds(record(tmp_path / "loud", rate=44_100))
    assert loud.inputs.rate == 16_000  # speech needs no more


def table(folder, columns: str, row) -> str:
    record(folder / "wavs")
    names = sorted((folder / "wavs").rglob("*.wav"))
    lines = [columns, *(f"{path.relative_to(folder)},{row(path)}" for path in names)]
    (folder / "list.csv").write_text("\n".join(lines) + "\n")
    return str(folder / "list.csv")


def test_a_table_of_paths_and_groups_that_stay_together(tmp_path):
    path = table(tmp_path, "path,kind,who", lambda each: f"{each.parent.name},{int(each.stem) % 5}")
    dataset = read_data(path, sound="path", target="kind", group="who", validation="0.2")
    frame = numpy.array(
        [line.rpartition(",")[2] for line in (tmp_path / "list.csv").read_text().splitlines()[1:]]
    )
    sets = [set(frame[rows]) for rows in dataset.rows.values()]
    assert sum(map(len, sets)) == 5 and dataset.targets.names == ("high", "low")
    batch, notes = dataset.preparation.apply(path)
    assert batch["targets"].tolist() == [0] * 10 + [1] * 10 and len(notes["files"]) == 20
    loud = read_data(
        table(tmp_path / "q", "path,level", lambda each: len(each.parent.name) + int(each.stem) / 7),
        sound="path",
        target="level",
    )
    assert type(loud.targets).__name__ == "Quantity" and abs(float(loud.train.targets.mean())) < 1e-5


def test_a_table_of_transcripts(tmp_path):
    path = table(tmp_path, "path,said", lambda each: "007" if each.parent.name == "high" else "one  two")
    dataset = read_data(path, sound="path", target="said", task="transcription")
    assert dataset.targets == Transcript((" ", "0", "7", "e", "n", "o", "t", "w"), 7)
    assert {dataset.targets.text(row) for row in dataset.train.targets.tolist()} == {"007", "one two"}
    assert not dataset.preparation.cuts and dataset.inputs.length == int(
        dataset.train.inputs["lengths"].max()
    )
    batch, _ = dataset.preparation.apply(path)
    assert batch["targets"].shape == (20, 7) and batch["inputs"]["waveform"].shape[1] == 780
    encoded, unknown = transcripts_of("said", ["ab"]).encode(nr_frame(["ba", "xb", None, " "]))
    assert encoded.tolist() == [[2, 1], [2, -1], [-2, -1], [-2, -1]] and list(unknown) == ["x"]


def nr_frame(values):
    import polars

    return polars.DataFrame({"said": values})


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"target": "kind"}, "--target is for a table of recordings"),
        ({"task": "transcription"}, "--task is for a table"),
        ({"sound": "path", "target": "kind"}, "--sound names a column of a table"),
    ],
)
def test_options_that_do_not_go_together(tmp_path, options, said):
    record(tmp_path, 3)
    with pytest.raises(OptionError, match=said):
        nr.data.sounds(tmp_path, **options)


def test_it_is_saved_and_read_back_and_reads_samples_too(tmp_path):
    dataset = nr.data.sounds(record(tmp_path / "tones"))
    dataset.preparation.save(tmp_path / "saved")
    again = load_preparation(tmp_path / "saved")
    assert again == dataset.preparation
    batch, _ = again.apply(tone(300.0)[:, 0])
    assert batch["inputs"]["lengths"].tolist() == [dataset.inputs.length]
    for odd in (numpy.zeros((2, 3, 4)), numpy.array(["a"]), numpy.array([numpy.inf])):
        with pytest.raises(DataError):
            again.apply(odd)


def test_files_that_do_not_fit_into_memory_give_the_same_batches(tmp_path):
    folder = record(tmp_path)
    held, taken = (nr.data.sounds(folder, storage=storage) for storage in ("memory", "files"))
    auto = nr.data.sounds(folder, memory=1000)
    assert held.train.in_memory and not taken.train.in_memory and not auto.train.in_memory
    places = torch.tensor([3, 0, 5])
    for one, other in zip(
        held.train.take(places)["inputs"].values(), taken.train.take(places)["inputs"].values(), strict=True
    ):
        width = min(one.shape[-1], other.shape[-1])
        assert torch.equal(one[..., :width], other[..., :width])
    assert torch.equal(held.train.targets[places], taken.train.subset(places).targets)
    run = nr.studies.train(
        taken, "speech-cnn", options={"widths": "4"}, epochs=1, batch_size=8, progress=False
    )
    assert run.results["test"]["loss"] > 0


def test_other_formats_by_soundfile_or_with_the_line_that_installs_it(tmp_path, monkeypatch):
    soundfile = pytest.importorskip("soundfile")
    for label, pitch in PITCH.items():
        (tmp_path / label).mkdir()
        for number in range(6):
            soundfile.write(tmp_path / label / f"{number}.flac", tone(pitch), 8000)
    dataset = nr.data.sounds(tmp_path)
    assert dataset.inputs.rate == 8000 and dataset.train.inputs["waveform"].std() > 0.3
    (tmp_path / "low" / "bad.flac").write_bytes(b"fLaC....")
    assert "cannot be decoded" in nr.data.sounds(tmp_path).summary["quarantined"][0]["reason"]
    before = builtins.__import__

    def absent(name):
        if name == "soundfile":
            raise ModuleNotFoundError(name)
        return before(name)

    monkeypatch.setattr("neurarium.core.errors.importlib.import_module", absent)
    with pytest.raises(MissingDependencyError, match=r'pip install "neurarium\[audio\]"'):
        nr.data.sounds(tmp_path)
