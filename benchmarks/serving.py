"""How many requests a second `neurarium serve` answers, and how long each takes.

    python benchmarks/serving.py                     # trains a small run on digits, serves it, measures
    python benchmarks/serving.py --run runs/digits-1 --seconds 20
    python benchmarks/serving.py --turns             # a language model: a short question alone, and while a long text is written

The load comes from a second process on the same machine: raw sockets with keep-alive, one request in flight on each.
First as many requests as are answered (closed loop), then half that rate, sent on time whatever the answers do (open
loop): a request's time there counts from when it was due.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import json
import os
import re
import signal
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--run", type=Path, help="the folder of a run of images; by default one is trained on digits"
    )
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--connections", type=int, default=64)
    parser.add_argument(
        "--rate", type=float, help="requests per second of the open loop; half of the closed one's"
    )
    parser.add_argument("--serve", default="", help="further options of `neurarium serve`")
    parser.add_argument("--turns", action="store_true", help="long and short questions to a language model")
    options = parser.parse_args()
    if options.turns:
        return turns(options.serve.split())
    with tempfile.TemporaryDirectory() as folder:
        run = options.run or trained(Path(folder) / "digits")
        server, address = started(run, options.serve.split())
        try:
            report(asyncio.run(measured(address, options, server.pid)), memory(server.pid))
        finally:
            server.send_signal(signal.SIGTERM)
            server.wait(timeout=30)


SHORT, LONG = {"prompt": "to be", "tokens": 5}, {"prompt": "to be", "tokens": 1000}


def turns(options: list[str]) -> None:
    """Print how long a question of 5 tokens takes, alone and beside one, and four, of 1,000."""
    with tempfile.TemporaryDirectory() as folder:
        book, run = Path(folder) / "book.txt", Path(folder) / "run"
        book.write_text("To be, or not to be, that is the question. " * 200, encoding="utf-8")
        command = [sys.executable, "-m", "neurarium", "train", str(book), "--steps", "20", "--out", str(run)]
        subprocess.run(command, check=True, capture_output=True)
        server, (host, port) = started(run, options)

        def ask(question: dict[str, object]) -> tuple[str, float]:
            body, began = json.dumps(question).encode(), time.perf_counter()
            asked = urllib.request.Request(
                f"http://{host}:{port}/predict", body, {"Content-Type": "application/json"}
            )
            with urllib.request.urlopen(asked, timeout=120) as response:
                said = json.load(response)["predictions"][0]["text"]
            return said, time.perf_counter() - began

        try:
            expected = [ask(each)[0] for each in (SHORT, LONG)]
            for beside in (0, 1, 4):
                with ThreadPoolExecutor(8) as pool:
                    long = [pool.submit(ask, LONG) for _ in range(beside)]
                    time.sleep(0.1)
                    short = [ask(SHORT) for _ in range(9)]
                    waited = not any(each.done() for each in long)
                    assert {each for each, _ in short} == {expected[0]} and waited, (
                        "a long text ended too early"
                    )
                    assert {each.result()[0] for each in long} <= {expected[1]}
                took = ", ".join(f"{each.result()[1]:.2f} s" for each in long) or "none"
                print(
                    f"5 tokens: {1000 * statistics.median(each for _, each in short):.1f} ms (median of 9), while {beside} of "
                    f"1,000 tokens were written: {took}"
                )
        finally:
            server.send_signal(signal.SIGTERM)
            server.wait(timeout=30)


def trained(folder: Path) -> Path:
    """Train the network that is served."""
    command = [
        sys.executable,
        "-m",
        "neurarium",
        "train",
        "digits",
        "--epochs",
        "8",
        "--out",
        str(folder),
        "--quiet",
    ]
    subprocess.run(command, check=True)
    return folder


def started(run: Path, options: list[str]) -> tuple[subprocess.Popen[str], tuple[str, int]]:
    """Start the server, and wait until it says where it is."""
    command = [sys.executable, "-m", "neurarium", "serve", str(run), "--port", "0", *options]
    server = subprocess.Popen(
        command, stdout=subprocess.PIPE, text=True, env={**os.environ, "COLUMNS": "500"}
    )
    assert server.stdout is not None
    for line in server.stdout:
        found = re.search(r"http://([\d.]+):(\d+)", line)
        if found:
            return server, (found[1], int(found[2]))
    raise SystemExit("the server did not start")


async def measured(address: tuple[str, int], options: argparse.Namespace, server: int) -> dict[str, object]:
    """Measure the most requests, then the latency at half of them."""
    question = request()
    gc.freeze()  # pauses of the one who asks are none of the one who answers
    await closed(address, question, options.connections, 2.0)  # warm
    before = processor(server)
    most, times = await closed(address, question, options.connections, options.seconds)
    share = (processor(server) - before) / len(times)
    late = await opened(address, question, options.connections, options.seconds, options.rate or most / 2)
    return {
        "requests per second": most,
        "processor": share,
        "closed loop": times,
        "open loop": late,
        "rate": options.rate or most / 2,
    }


def request() -> bytes:
    """Return a prediction of one digit as HTTP."""
    from sklearn.datasets import load_digits

    body = json.dumps({"image": load_digits().images[0].astype(int).tolist()}).encode()
    head = f"POST /predict HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: {len(body)}"
    return head.encode() + b"\r\n\r\n" + body


class Connection(asyncio.Protocol):
    """One request at a time on one socket."""

    def __init__(self) -> None:
        self.answer: asyncio.Future[None] | None = None
        self.held = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport

    def ask(self, question: bytes) -> asyncio.Future[None]:
        self.answer = asyncio.get_running_loop().create_future()
        self.transport.write(question)  # type: ignore[attr-defined]
        return self.answer

    def data_received(self, data: bytes) -> None:
        self.held += data
        head, mark, body = self.held.partition(b"\r\n\r\n")
        if not mark:
            return
        length = int(re.search(rb"content-length: (\d+)", head)[1])  # type: ignore[index]
        if len(body) >= length:
            assert head.startswith(b"HTTP/1.1 200"), head
            self.held = body[length:]
            self.answer.set_result(None)  # type: ignore[union-attr]


async def closed(
    address: tuple[str, int], question: bytes, count: int, seconds: float
) -> tuple[float, list[float]]:
    """Ask again as soon as an answer comes."""
    loop = asyncio.get_running_loop()
    times: list[float] = []
    end = time.perf_counter() + seconds

    async def one() -> None:
        _, connection = await loop.create_connection(Connection, *address)
        while (now := time.perf_counter()) < end:
            await connection.ask(question)
            times.append(time.perf_counter() - now)
        connection.transport.close()

    begun = time.perf_counter()
    await asyncio.gather(*(one() for _ in range(count)))
    return len(times) / (time.perf_counter() - begun), times


async def opened(
    address: tuple[str, int], question: bytes, count: int, seconds: float, rate: float
) -> list[float]:
    """Ask at a fixed rate; a request that finds no free connection waits, and its wait counts."""
    loop = asyncio.get_running_loop()
    free: asyncio.Queue[Connection] = asyncio.Queue()
    for _ in range(count):
        free.put_nowait((await loop.create_connection(Connection, *address))[1])
    times: list[float] = []

    async def one(due: float) -> None:
        connection = await free.get()
        await connection.ask(question)
        times.append(time.perf_counter() - due)
        free.put_nowait(connection)

    begun, tasks = time.perf_counter(), set()
    for number in range(int(rate * seconds)):
        due = begun + number / rate
        if (wait := due - time.perf_counter()) > 0:
            await asyncio.sleep(wait)
        tasks.add(asyncio.create_task(one(due)))
    await asyncio.gather(*tasks)
    return times


def processor(process: int) -> float:
    """Return the seconds of processor that a process took; NaN where /proc is not there."""
    path = Path(f"/proc/{process}/stat")
    if not path.is_file():
        return float("nan")
    fields = path.read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def memory(process: int) -> float:
    """Return the resident megabytes of a process; NaN where /proc is not there."""
    path = Path(f"/proc/{process}/status")
    found = re.search(r"VmRSS:\s+(\d+)", path.read_text()) if path.is_file() else None
    return int(found[1]) / 1024 if found else float("nan")


def report(found: dict[str, object], resident: float) -> None:
    """Print what was found."""
    print(f"{found['requests per second']:,.0f} requests per second")
    print(f"{1e6 * found['processor']:,.0f} microseconds of the server's processor per request")  # type: ignore[operator]
    print(f"open loop at {found['rate']:,.0f} per second")
    for name in ("closed loop", "open loop"):
        times = sorted(found[name])  # type: ignore[call-overload]
        middle, high, most = statistics.median(times), times[int(0.99 * len(times))], times[-1]
        print(
            f"{name}: median {1000 * middle:.1f} ms, p99 {1000 * high:.1f} ms, most {1000 * most:.1f} ms, "
            f"{len(times):,} requests"
        )
    print(f"{resident:,.0f} MB resident")


if __name__ == "__main__":
    main()
