"""`neurarium datasets`: the catalogue."""

from __future__ import annotations


def test_list(run_line, tmp_path, monkeypatch):
    monkeypatch.setenv("NEURARIUM_DATA", str(tmp_path))
    code, value, shown = run_line("datasets")
    rows = {each["name"]: each for each in value["datasets"]}
    assert code == 0 and rows["digits"]["status"] == "embedded" and rows["mnist"]["status"] == "to download"
    assert "adult" in shown and rows["mnist"]["licence"]


def test_fetch(run_line, shared_data):
    code, value, _ = run_line("datasets", "fetch", "digits")
    assert (code, value["folder"]) == (0, None)
    folder = shared_data("mnist")
    code, value, _ = run_line("datasets", "fetch", "mnist")
    assert (code, value["folder"]) == (0, str(folder))
    code, value, _ = run_line("datasets", "fetch", "mnits")
    assert code == 2 and value["error"]["fix"] == "did you mean 'mnist'?"
