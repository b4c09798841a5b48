"""Small runs behind a real socket, in a thread of the tests' process."""

from __future__ import annotations

import json
import socket
import threading
import urllib.error
import urllib.request

import pytest

import neurarium as nr
from neurarium.serving import Server, Settings


class Client:
    """Asks a server, with what answers come as (status, JSON or text)."""

    def __init__(self, server):
        self.server, self.address = server, server.address
        self.place = server.listening.getsockname()[:2]

    def ask(self, path="/predict", body=None, *, kind="application/json", method=None, headers=None):
        data = body if isinstance(body, bytes | None) else json.dumps(body).encode()
        given = {**({"Content-Type": kind} if data is not None and kind else {}), **(headers or {})}
        request = urllib.request.Request(self.address + path, data, given, method=method)
        try:
            with urllib.request.urlopen(request, timeout=60) as response:
                status, text = response.status, response.read()
        except urllib.error.HTTPError as error:
            status, text = error.code, error.read()
        try:
            return status, json.loads(text)
        except ValueError:
            return status, text.decode()

    def predictions(self, body, **options):
        status, answer = self.ask(body=body, **options)
        assert status == 200, answer
        return answer["predictions"]

    def raw(self, content: bytes, *, wait=20.0) -> bytes:
        """Send bytes as they are; return all that comes until the connection ends."""
        with socket.create_connection(self.place, timeout=wait) as connection:
            connection.sendall(content)
            return received(connection)

    def well(self):
        return self.ask("/health")[0] == 200


def received(connection) -> bytes:
    found = b""
    try:
        while part := connection.recv(65536):
            found += part
    except (ConnectionError, TimeoutError):
        pass
    return found


@pytest.fixture(scope="session")
def serving():
    """`serving(run, **settings)` starts a server and gives its client."""
    servers = []

    def start(run, **settings):
        server = Server(run, Settings(**{"port": 0, **settings}))
        ready = threading.Event()
        thread = threading.Thread(target=server.run, args=(lambda _: ready.set(),), daemon=True)
        thread.start()
        assert ready.wait(60)
        servers.append((server, thread))
        return Client(server)

    yield start
    for server, thread in servers:
        server.stop()
        thread.join(30)


@pytest.fixture(scope="session")
def people(tmp_path_factory):
    """A table with numbers, categories, a currency, truth values, dates and gaps, as a run on the disk."""
    folder = tmp_path_factory.mktemp("people")
    lines = ["age,color,salary,member,born,target"]
    for number in range(120):
        age, color = 20 + number % 40, ("red", "green", "blue")[number % 3]
        gap = "" if number % 17 == 0 else str(age)
        born = f"{1950 + number % 50}-0{1 + number % 9}-1{number % 9}"
        target = "yes" if (age > 40) != (color == "red") else "no"
        lines.append(f'{gap},{color},"${age * 1000:,}",{"yes" if number % 2 else "no"},{born},{target}')
    path = folder / "people.csv"
    path.write_text("\n".join(lines))
    run = nr.studies.train(
        nr.data.table(path, "target"), "mlp", options={"widths": "16"}, epochs=3, progress=False,
        out=folder / "run", config={"data": str(path), "target": "target"},
    )  # fmt: skip
    return path, nr.load(run.folder)


@pytest.fixture(scope="session")
def digits_run(tmp_path_factory):
    run = nr.studies.train(
        nr.data.load("digits"), "mlp", options={"widths": "32"}, epochs=3, progress=False,
        out=tmp_path_factory.mktemp("digits") / "run",
    )  # fmt: skip
    return nr.load(run.folder)


@pytest.fixture(scope="session")
def table_client(serving, people):
    return serving(people[1], limit=1_000_000)


@pytest.fixture(scope="session")
def image_client(serving, digits_run):
    return serving(digits_run)
