"""Bad input: exit code 2, one message that says what to do, no traceback, nothing half-written."""

from __future__ import annotations

import errno
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from neurarium.cli.main import main
from neurarium.core.errors import Terminated

GOOD = "length,color,kind\n" + "".join(f"{n / 10},{'rb'[n % 2]},{'xy'[n % 2]}\n" for n in range(40))


def with_rows(*rows: str) -> bytes:
    return (GOOD + "".join(f"{row}\n" for row in rows)).encode()


# name: (content of data.csv, words after `train`, fragments of the message)
TABLES: dict[str, tuple[bytes | None, str, tuple[str, ...]]] = {
    "missing file": (None, "date.csv -t kind", ("no file date.csv", "did you mean 'data.csv'")),
    "missing folder": (None, "nowhere/data.csv -t kind", ("its folder nowhere does not exist",)),
    "neither set nor file": (None, "digist", ("neither a data set nor a file 'digist'", "did you mean 'digits'")),
    "empty file": (b"", "data.csv -t kind", ("data.csv is empty", "a header line and rows")),
    "blank file": (b"\n \n\n", "data.csv -t kind", ("data.csv is empty",)),
    "header alone": (b"length,color,kind\n", "data.csv -t kind", ("has a header and no rows",)),
    "one row": (b"length,color,kind\n1,r,x\n", "data.csv -t kind", ("too few rows", "at least 2 rows")),
    "one row of a quantity": (b"length,price\n1,2.5\n", "data.csv -t price", ("too few rows", "at least 2 rows")),
    "one class": (b"length,kind\n" + b"1,x\n2,x\n" * 20, "data.csv -t kind", ("'kind' has one class only", "choose another --target")),
    "no target": (GOOD.encode(), "data.csv", ("which column to predict", "length, color, kind", "--target")),
    "target not found": (GOOD.encode(), "data.csv -t knid", ("'knid'", "one of color, kind, length", "did you mean 'kind'")),
    "target all missing": (b"length,kind\n" + b"1,?\n2,\n" * 20, "data.csv -t kind", ("every value of the target 'kind' is missing",)),
    "ragged rows": (with_rows("1,r,x,extra,more"), "data.csv -t kind", ("line 42", "3 fields", "5 fields")),
    "wrong encoding": (with_rows("1,gr\xfcn,x").replace(b"\xc3\xbc", b"\xfc"), "data.csv -t kind", ("not UTF-8: line 42", "0xfc", "--set encoding=cp1252")),
    "NUL bytes": (with_rows("1,\0,x"), "data.csv -t kind", ("NUL bytes, the first in line 42",)),
    "duplicate columns": (GOOD.replace("color", "length").encode(), "data.csv -t kind", ("the same name: 'length'", "rename one of them")),
    "infinite numbers": (with_rows("inf,r,x"), "data.csv -t kind", ("infinite", "length")),
    "an archive": (b"PK\x03\x04" + b"0" * 80, "data.csv -t kind", ("cut off or damaged (zip", "copy it again")),
    "no such network": (GOOD.encode(), "data.csv -t kind --network mpl", ("no network 'mpl'", "did you mean 'mlp'")),
    "no such option": (GOOD.encode(), "data.csv -t kind --epohcs 3", ("no option --epohcs", "did you mean --epochs")),
    "no such key": (GOOD.encode(), "data.csv -t kind -n mlp -s widht=8", ("no option 'widht'", "did you mean --set widths=")),
    "no such nested key": (GOOD.encode(), "data.csv -t kind -s optimzer.betas=1", ("'optimzer'", "did you mean 'optimizer.betas'")),
    "no such schedule": (GOOD.encode(), "data.csv -t kind -s schedule=cosin", ("no schedule 'cosin'", "did you mean 'cosine'")),
    "a key without a value": (GOOD.encode(), "data.csv -t kind -s widths", ("key=value", "--set widths")),
    "a wrong type": (GOOD.encode(), "data.csv -t kind -n mlp -s widths=a,b", ("'widths'", "tuple[int, ...]", "'a,b'")),
    "no such metric": (GOOD.encode(), "data.csv -t kind --monitor acuracy", ("did you mean 'accuracy'",)),
    "no time": (GOOD.encode(), "data.csv -t kind --time-limit soon", ("time limit", "10m")),
    "no such split": (GOOD.encode(), "data.csv -t kind --split randm", ("did you mean 'random'",)),
    "no such device": (GOOD.encode(), "data.csv -t kind --device tpu", ("the device 'tpu' cannot be used",)),
    "an option of tables": (None, "digits --target x", ("'digits' comes with its target", "leave out --target")),
    "NaN loss": (GOOD.encode(), "data.csv -t kind -n mlp -s optimizer=sgd -s learning_rate=1e30 --epochs 9", ("not finite", "learning_rate")),
    "an image network on a table": (GOOD.encode(), "data.csv -t kind -n cnn", ("'cnn' cannot take Table inputs", "Image")),
}  # fmt: skip


@pytest.mark.parametrize("name", TABLES)
def test_bad_input_is_told_in_one_message(name: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]):
    content, words, fragments = TABLES[name]
    (tmp_path / "data.csv").write_bytes(GOOD.encode() if content is None else content)
    code = main(["train", *words.split(), "--out", "deep/run"])
    check(code, capfd, fragments)
    assert sorted(each.name for each in tmp_path.iterdir()) == ["data.csv"]  # nor the folder around the run


def check(code: int, capfd: pytest.CaptureFixture[str], fragments: tuple[str, ...]) -> str:
    out, err = capfd.readouterr()
    assert code == 2, out + err
    assert "Traceback" not in out + err
    assert err.count("error: ") == 1
    for fragment in fragments:
        assert fragment in err, f"{fragment!r} is not in:\n{err}"
    return err


def test_a_byte_order_mark_is_no_mistake(tmp_path: Path, run_line: Callable[..., Any]):
    (tmp_path / "data.csv").write_bytes(b"\xef\xbb\xbf" + GOOD.encode())
    code, value, _ = run_line("train", "data.csv", "-t", "kind", "-n", "perceptron", "--epochs", 1)
    assert (code, value["run"]) == (0, "runs/data-1")
    assert (
        "length" in (tmp_path / "runs/data-1/preparation/preparation.json").read_text()
    )  # and not BOM + length


@pytest.mark.parametrize(("number", "says"), [(errno.ENOSPC, "the disk is full"), (errno.EDQUOT, "quota")])
def test_a_full_disk_leaves_nothing(number, says, tmp_path, monkeypatch, capfd):
    (tmp_path / "data.csv").write_text(GOOD)
    calls = []
    true_fsync = os.fsync

    def full(handle: int) -> None:
        calls.append(handle)
        if len(calls) > 5:
            raise OSError(number, os.strerror(number))
        true_fsync(handle)

    monkeypatch.setattr(os, "fsync", full)
    code = main(["train", "data.csv", "-t", "kind", "-n", "perceptron", "--epochs", "1"])
    check(code, capfd, (says, "--out"))
    assert sorted(each.name for each in tmp_path.iterdir()) == ["data.csv"]


@pytest.mark.parametrize("number", [errno.EROFS, errno.EACCES])
def test_a_folder_that_cannot_be_written(number, tmp_path, monkeypatch, capfd):
    def refuse(*arguments: Any, **options: Any) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, "mkdir", refuse)
    code = main(["train", "digits", "--epochs", "1", "--out", "there/run"])
    check(code, capfd, ("cannot write there", "--out"))
    assert not list(tmp_path.iterdir())


def test_a_folder_that_holds_something(tmp_path, capfd):
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "thesis.tex").write_text("important")
    check(main(["train", "digits", "--out", "full"]), capfd, ("full is not empty", "--out"))
    check(main(["train", "digits", "--out", "full/thesis.tex"]), capfd, ("is a file",))
    assert (tmp_path / "full" / "thesis.tex").read_text() == "important"


DAMAGE: dict[str, tuple[str, Callable[[Path], Any], str]] = {
    "no weights": ("weights.safetensors", Path.unlink, "has no weights"),
    "altered weights": ("weights.safetensors", lambda p: _flip(p), "was altered"),
    "cut weights": ("weights.safetensors", lambda p: p.write_bytes(p.read_bytes()[:100]), "was altered"),
    "no configuration": ("config.yaml", Path.unlink, "is not a run"),
    "broken configuration": ("config.yaml", lambda p: p.write_text("a: [1"), "config.yaml is damaged"),
    "altered configuration": ("config.yaml", lambda p: p.write_text(p.read_text().replace("lily", "rose")), "was altered"),
    "no plan": ("plan.json", Path.unlink, "plan.json is missing"),
    "broken plan": ("plan.json", lambda p: p.write_text("{"), "plan.json is damaged"),
    "broken results": ("results.json", lambda p: p.write_text('{"metrics": {}}'), "is damaged"),
    "no preparation": ("preparation", shutil.rmtree, "is missing"),
    "altered preparation": ("preparation/preparation.json", lambda p: p.write_text(p.read_text().replace("lily", "rose")), "was altered"),
    "altered arrays": ("preparation/preparation.safetensors", lambda p: _flip(p), "was altered"),
}  # fmt: skip


def _flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[-3] ^= 1
    path.write_bytes(bytes(content))


@pytest.mark.parametrize("name", DAMAGE)
@pytest.mark.parametrize("verb", ["predict", "evaluate"])
def test_a_damaged_run_is_refused(name, verb, trained, tmp_path, capfd):
    file, damage, says = DAMAGE[name]
    shutil.copytree(trained / "runs/flowers-1", "copy")
    damage(Path("copy") / file)
    words = [verb, "copy", "--input", str(trained / "flowers.csv")]
    words += ["--output", "out.csv"] if verb == "predict" else []
    check(main(words), capfd, (says,))
    assert not Path("out.csv").exists()


def test_no_run_of_that_name(trained, monkeypatch, capfd):
    monkeypatch.chdir(trained)
    check(main(["evaluate", "flower-1"]), capfd, ("no run 'flower-1'", "did you mean runs/flowers-1"))


def test_new_data_that_does_not_fit(trained, tmp_path, capfd):
    (tmp_path / "new.csv").write_text("lenght,width,color\n1,2,red\n")
    run = str(trained / "runs/flowers-1")
    check(
        main(["predict", run, "-i", "new.csv"]), capfd, ("lacks the column 'length'", "'lenght' for 'length'")
    )
    (tmp_path / "new.csv").write_text("length,width,color\n1,2,red\n")
    check(main(["evaluate", run, "-i", "new.csv"]), capfd, ("without its targets", "neurarium predict"))
    check(main(["predict", run, "-i", "new.csv", "-o", "new.xls"]), capfd, ("'.xls'", ".csv"))
    check(
        main(["predict", run, "-i", "new.csv", "-o", "new.csv", "--keep", "colour"]),
        capfd,
        ("did you mean 'color'",),
    )


def test_a_download_with_a_wrong_hash(tmp_path, monkeypatch, capfd):
    monkeypatch.setenv("NEURARIUM_DATA", str(tmp_path / "data"))
    folder = tmp_path / "data" / "mnist"
    folder.mkdir(parents=True)
    for part in ("train-images-idx3", "train-labels-idx1", "t10k-images-idx3", "t10k-labels-idx1"):
        (folder / f"{part}-ubyte.gz").write_bytes(b"\x1f\x8b cut off")
    check(
        main(["datasets", "fetch", "mnist"]), capfd, ("its hash is wrong", "neurarium datasets fetch mnist")
    )
    check(main(["train", "mnist", "--out", "run"]), capfd, ("its hash is wrong",))
    assert not Path("run").exists()


def test_our_own_failure_is_short_and_exits_with_1(monkeypatch, capfd, tmp_path):
    monkeypatch.setattr("neurarium.data.catalogue.entries.ENTRIES", None)
    assert main(["train", "digits"]) == 1
    _out, err = capfd.readouterr()
    assert "our fault" in err and "Traceback" not in err
    place = err.split("the traceback is in ")[1].split(";")[0]
    assert "Traceback" in Path(place).read_text()
    Path(place).unlink()
    assert main(["train", "digits", "--debug"]) == 1
    assert "Traceback" in capfd.readouterr().err


def test_errors_are_json_where_json_is_asked_for(run_line):
    code, value, _ = run_line("train", "digist")
    assert (code, value["exit_code"]) == (2, 2)
    assert value["error"]["received"] == "digist" and "digits" in value["error"]["fix"]
    code, value, _ = run_line("trian")
    assert value["error"]["fix"] == "did you mean `neurarium train`?"


def test_an_interruption_before_training_is_told(monkeypatch, run_line):
    def interrupt(*arguments: Any, **options: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("neurarium.studies.planning.reading.read_data", interrupt)
    code, value, shown = run_line("train", "digits")
    assert (code, value["exit_code"]) == (130, 130) and "interrupted" in shown
    assert not Path("runs").exists()


def test_a_reader_that_has_read_enough_is_no_failure(tmp_path):
    line = [sys.executable, "-m", "neurarium", "chapters"]
    with subprocess.Popen(line, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None and process.stderr is not None
        process.stdout.close()
        assert (process.wait(60), process.stderr.read()) == (0, b"")


@pytest.mark.parametrize(
    ("error", "says"), [(BrokenPipeError(32, "Broken pipe"), "BrokenPipeError"), (EOFError(), "EOFError")]
)
def test_a_pipe_that_is_not_the_console_breaks_aloud(error, says, monkeypatch, run_line):
    """A worker that died is neither a reader that has read enough nor Ctrl-D."""

    def fail(*arguments: Any, **options: Any) -> None:
        raise error

    console = sys.stdout
    monkeypatch.setattr("neurarium.studies.planning.reading.read_data", fail)
    code, value, shown = run_line("train", "digits", "--debug")
    assert code == 1 and says in value["error"]["problem"] and "our" not in shown
    assert sys.stdout is console


def test_sigterm_in_another_verb_is_told(monkeypatch, run_line):
    def end(*arguments: Any, **options: Any) -> None:
        raise Terminated(None)

    monkeypatch.setattr("neurarium.studies.planning.reading.read_data", end)
    code, value, shown = run_line("cross-validate", "digits", terminated=True)
    assert (code, value["exit_code"]) == (143, 143) and "ended by SIGTERM" in shown


@pytest.mark.parametrize(
    ("typed", "fix"),
    [
        ("--lr 0.1", "--set learning_rate=VALUE"),
        ("--dropout=0.1", "--set dropout=VALUE"),
        ("--gpu", "did you mean --device cuda?"),
        ("--epoch 3", "did you mean --epochs?"),
        ("--test-size 0.2", "did you mean --test SHARE?"),
        ("--zzz", "see `neurarium train --help`"),
    ],
)
def test_options_of_other_programs_lead_to_ours(typed, fix, capfd):
    assert main(["train", "digits", *typed.split()]) == 2
    assert f"to fix:   {fix}\n" in capfd.readouterr().err
