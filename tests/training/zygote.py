"""A warm process that forks runs which are killed: `python zygote.py`, one JSON request per line on standard input.

A request is `{"folder": ..., "kill": n or null, "after": seconds or null}`. The child trains in the folder, resuming what
is there. After `after` seconds it gets SIGKILL. Where `kill` is a number, it sends itself SIGKILL at the n-th point: points lie in each step, in the middle of a line of the log, in the
middle of a checkpoint file, before and after each fsync, after each rename, before each removal. The answer, when
the child has ended, is `{"killed": signal or null, "code": ..., "points": ..., "seconds": ...}`.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from pathlib import Path
from typing import Any

STEPS = 24


def train(folder: Path) -> Any:
    """One short run with all that has state: dropout, BatchNorm, Adam, a schedule, an average, best weights."""
    import torch
    from torch import nn
    from training_helpers import examples, source

    import neurarium as nr
    from neurarium.losses import MeanSquaredError

    torch.manual_seed(0)
    net = nn.Sequential(nn.Linear(4, 16), nn.BatchNorm1d(16), nn.ReLU(), nn.Dropout(0.3), nn.Linear(16, 1))
    method = nr.methods.Supervised(
        net, loss=MeanSquaredError(), optimizer="adam", learning_rate=0.01, schedule="cosine", average=0.9
    )
    run = nr.fit(
        method, source(60, 12), steps=STEPS, validation=examples(20, 5), evaluate_every=3, out=folder, resume=True,
        checkpoint_steps=2, progress=False, callbacks=[_steps()],
    )  # fmt: skip
    nr.core.codec.save_tree(folder / "final.safetensors", dict(run.method.state_dict()))
    return run


POINT = None


def _steps() -> Any:
    from neurarium.training.callbacks.callback import Callback

    class Steps(Callback):
        def step(self, loop: Any, metrics: Any) -> None:
            if POINT is not None:
                POINT("step")

    return Steps()


def watch(deaths: Path, kill: int | None) -> None:
    """Put points into what writes files; at the wanted one, note which it is, and die."""
    global POINT
    from neurarium.core import codec, files
    from neurarium.training import recorder

    seen = {"points": 0}

    def point(name: str) -> None:
        seen["points"] += 1
        if seen["points"] == kill:
            with deaths.open("a") as stream:
                stream.write(name + "\n")
            os.kill(os.getpid(), signal.SIGKILL)

    POINT = point
    POINT.seen = seen  # type: ignore[attr-defined]
    save, sync, add, unlink = codec.save_file, files._synchronise, recorder.Recorder.add, Path.unlink

    def half_saved(tensors: Any, path: str, metadata: Any = None) -> None:
        save(tensors, path, metadata=metadata)
        whole = Path(path).read_bytes()
        Path(path).write_bytes(whole[: len(whole) // 2])
        point("inside a file")
        Path(path).write_bytes(whole)

    def synchronised(path: Path) -> None:
        point("renamed" if path.is_dir() else "written")
        sync(path)
        point("synchronised")

    def half_added(self: Any, row: Any, timing: Any) -> None:
        path = self.folder / "metrics.jsonl"
        before = path.stat().st_size if path.exists() else 0
        with path.open("a") as stream:
            stream.write(json.dumps(row)[:20])
        point("inside a line")
        os.truncate(path, before)
        add(self, row, timing)
        point("added")

    def unlinked(self: Path, missing_ok: bool = False) -> None:
        point("before a removal")
        unlink(self, missing_ok=missing_ok)

    os.fsync = lambda handle: None  # the file system outlives the process: only a power cut would need it
    codec.save_file, files._synchronise = half_saved, synchronised
    recorder.Recorder.add, Path.unlink = half_added, unlinked


def child(request: dict[str, Any]) -> int:
    """Train as asked; return the number of points."""
    folder = Path(request["folder"])
    watch(Path(request["deaths"]), request["kill"])
    train(folder)
    return POINT.seen["points"]  # type: ignore[attr-defined]


def main() -> None:
    """Answer requests until standard input ends."""
    import torch
    import torch._dynamo
    import training_helpers  # noqa: F401

    import neurarium.losses.mean_squared_error
    import neurarium.methods.supervised
    import neurarium.training.fitting  # noqa: F401

    torch.set_num_threads(1)
    for line in sys.stdin:
        request = json.loads(line)
        reading, writing = os.pipe()
        pid = os.fork()
        if pid == 0:
            code = 1
            try:
                os.write(writing, str(child(request)).encode())
                code = 0
            finally:
                os._exit(code)
        os.close(writing)
        began = time.monotonic()
        if request["after"] is not None:
            time.sleep(request["after"])
            os.kill(pid, signal.SIGKILL)  # not waited for yet, so that the number is no other process's
        _, status = os.waitpid(pid, 0)
        points = os.read(reading, 100)
        os.close(reading)
        killed = os.WTERMSIG(status) if os.WIFSIGNALED(status) else None
        code = os.WEXITSTATUS(status) if os.WIFEXITED(status) else None
        print(
            json.dumps(
                {
                    "killed": killed,
                    "code": code,
                    "points": int(points or 0),
                    "seconds": time.monotonic() - began,
                }
            ),
            flush=True,
        )


if __name__ == "__main__":
    main()
