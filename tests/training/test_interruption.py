"""Ctrl-C and a polite kill end a run after its step, with a message, resumable bitwise; a second one ends it at once."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from training_helpers import difference, regression, source

import neurarium as nr
from neurarium.core.errors import Terminated
from neurarium.training.callbacks.callback import Callback

SCRIPT = """
import sys
import neurarium as nr
from neurarium.training.callbacks.callback import Callback
from training_helpers import regression, source

class Told(Callback):
    def step(self, loop, metrics):
        print("step", loop.step, flush=True)

run = nr.fit(
    regression(dropout=0.2), source(), steps=1_000_000, out=sys.argv[1], callbacks=[Told()], progress="lines",
    checkpoint_seconds=1e9,
)
sys.exit(130 if run.interrupted else 0)
"""


class Raises(Callback):
    """Sends this process a signal after some steps."""

    def __init__(self, number: int, *steps: int):
        self.number, self.steps = number, steps

    def step(self, loop, metrics):
        for _ in range(self.steps.count(loop.step)):
            signal.raise_signal(self.number)


def trained(out, **options):
    return nr.fit(regression(dropout=0.2), source(), steps=12, out=out, progress=False, **options)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_the_run_after_its_step_and_it_goes_on_bitwise(number, tmp_path):
    before = signal.getsignal(number)
    whole = trained(None)
    if number == signal.SIGTERM:  # the process ends, the run is there
        with pytest.raises(Terminated) as ended:
            trained(tmp_path / "run", callbacks=[Raises(number, 6)])
        assert ended.value.code == 128 + signal.SIGTERM and ended.value.run.interrupted
    else:
        run = trained(tmp_path / "run", callbacks=[Raises(number, 6)])
        assert run.interrupted and run.reason == "interrupted"
        assert [row["step"] for row in run.history] == [4]  # nothing is measured in a hurry
    assert signal.getsignal(number) is before
    resumed = trained(tmp_path / "run", resume=True)
    assert not resumed.interrupted
    assert difference(whole.method.state_dict(), resumed.method.state_dict()) is None
    assert whole.history == resumed.history


def test_a_second_signal_ends_it_at_once_and_the_checkpoint_stays(tmp_path):
    with pytest.raises(KeyboardInterrupt):
        trained(tmp_path / "run", callbacks=[Raises(signal.SIGINT, 7, 7)], checkpoint_steps=3)
    whole, resumed = trained(None), trained(tmp_path / "run", resume=True)
    assert difference(whole.method.state_dict(), resumed.method.state_dict()) is None


def test_outside_the_main_thread_signals_are_left_alone():
    import threading

    found = []
    thread = threading.Thread(target=lambda: found.append(trained(None)))
    thread.start()
    thread.join()
    assert found[0].reason == "done"


@pytest.mark.skipif(os.name == "nt", reason="there is no SIGINT to a process on Windows")
def test_ctrl_c_from_outside(tmp_path):
    here = str(Path(__file__).parent)
    process = subprocess.Popen(
        [sys.executable, "-c", SCRIPT, str(tmp_path / "run")], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        text=True, env={**os.environ, "PYTHONPATH": os.pathsep.join([here, *sys.path]), "OMP_NUM_THREADS": "1"},
    )  # fmt: skip
    for line in process.stdout:
        if line.startswith("step 5"):
            process.send_signal(signal.SIGINT)
            break
    _, told = process.communicate(timeout=60)
    assert process.returncode == 130, told
    assert "Traceback" not in told
    steps = int(re.search(r"interrupted after (\d+) steps", told)[1])
    assert steps >= 5 and f"go on with: neurarium train --resume {tmp_path / 'run'}" in told
    longer = nr.fit(
        regression(dropout=0.2), source(), steps=steps + 3, out=tmp_path / "run", resume=True, progress=False
    )
    whole = nr.fit(regression(dropout=0.2), source(), steps=steps + 3, progress=False)
    assert difference(whole.method.state_dict(), longer.method.state_dict()) is None
