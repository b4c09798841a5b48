"""Downloads are whole or absent, continue after an interruption, and say which file to put where."""

from __future__ import annotations

import hashlib
import http.server
import threading

import pytest

from neurarium.core.errors import DataError
from neurarium.data.catalogue.descriptions import File
from neurarium.data.catalogue.downloading import download

CONTENT = bytes(range(256)) * 4096
HASH = hashlib.sha256(CONTENT).hexdigest()


class Server(http.server.ThreadingHTTPServer):
    """Serves CONTENT; `cut` bytes are sent before the connection breaks, ranges are answered if `ranges`."""

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.content, self.cut, self.ranges, self.asked = CONTENT, None, True, []
        self.address = f"http://127.0.0.1:{self.server_port}/file"


class Handler(http.server.BaseHTTPRequestHandler):
    server: Server

    def do_GET(self):
        asked = self.headers.get("Range")
        self.server.asked.append(asked)
        start = int(asked.removeprefix("bytes=").rstrip("-")) if asked and self.server.ranges else 0
        if start >= len(self.server.content) or self.path == "/gone":
            self.send_error(416 if start else 404)
            return
        body = self.server.content[start:]
        self.send_response(206 if start else 200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body if self.server.cut is None else body[: self.server.cut])

    def log_message(self, *_):
        pass


@pytest.fixture
def server():
    running = Server()
    thread = threading.Thread(target=running.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    yield running
    running.shutdown()
    running.server_close()


def fetch(server, folder, *addresses, digest=HASH):
    file = File("file.bin", tuple(addresses or (server.address,)), sha256=digest)
    download(file, folder / "file.bin", "put file.bin into the folder")
    return (folder / "file.bin").read_bytes()


def test_a_file_arrives_whole(server, tmp_path):
    assert fetch(server, tmp_path / "new") == CONTENT
    assert [each.name for each in (tmp_path / "new").iterdir()] == ["file.bin"]


@pytest.mark.parametrize("ranges", [True, False])
def test_an_interrupted_download_goes_on(server, tmp_path, ranges):
    server.cut, server.ranges = 300_000, ranges
    with pytest.raises(DataError, match="cannot be downloaded") as caught:
        fetch(server, tmp_path)
    assert "put file.bin into the folder" in str(caught.value)
    assert not (tmp_path / "file.bin").exists()
    server.cut = None
    assert fetch(server, tmp_path) == CONTENT
    assert server.asked == [None, "bytes=300000-"]
    assert [each.name for each in tmp_path.iterdir()] == ["file.bin"]


def test_a_part_of_another_file_is_thrown_away(server, tmp_path):
    (tmp_path / ".file.bin.part").write_bytes(b"something else")
    assert fetch(server, tmp_path) == CONTENT
    assert server.asked == ["bytes=14-", None]


def test_a_part_longer_than_the_file_is_thrown_away(server, tmp_path):
    (tmp_path / ".file.bin.part").write_bytes(CONTENT + b"more")
    assert fetch(server, tmp_path) == CONTENT


def test_a_wrong_hash_leaves_nothing(server, tmp_path):
    with pytest.raises(DataError, match="its hash is wrong; nothing was kept") as caught:
        fetch(server, tmp_path, digest="0" * 64)
    assert HASH in str(caught.value)
    assert list(tmp_path.iterdir()) == []


def test_an_interrupted_download_with_a_wrong_hash_leaves_nothing(server, tmp_path):
    server.cut = 1000
    with pytest.raises(DataError, match="cannot be downloaded"):
        fetch(server, tmp_path, digest="0" * 64)
    server.cut = None
    with pytest.raises(DataError, match="hash is wrong"):
        fetch(server, tmp_path, digest="0" * 64)
    assert list(tmp_path.iterdir()) == []


def test_the_next_address_is_tried(server, tmp_path):
    gone = server.address.replace("/file", "/gone")
    assert fetch(server, tmp_path, "http://127.0.0.1:9/closed", gone, server.address) == CONTENT


def test_several_at_once_download_once(server, tmp_path):
    threads = [threading.Thread(target=fetch, args=(server, tmp_path)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(server.asked) == 1
    assert (tmp_path / "file.bin").read_bytes() == CONTENT


def test_a_cache_that_cannot_be_written_names_the_way_out(server, tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(DataError, match="set NEURARIUM_CACHE"):
        fetch(server, tmp_path / "file" / "cache")
    assert server.asked == []
