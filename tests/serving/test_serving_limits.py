"""What a server refuses, how it says so, and that it goes on answering after all of it."""

from __future__ import annotations

import json
import random
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from neurarium.core.errors import DataError, MissingDependencyError, OptionError
from neurarium.serving import Settings
from neurarium.serving.settings import read_token

PEOPLE = {"age": 30, "color": "red", "salary": "$30,000", "member": "no", "born": "1960-02-11"}
HEAD = b"POST /predict HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"


def received(connection):
    found = b""
    while part := connection.recv(65536):
        found += part
    return found


def message(answer):
    return answer["error"]["message"]


def test_a_missing_column_is_told_as_on_the_command_line(table_client, people):
    row = {"age": 1, "colour": "red", "salary": 3, "member": "no", "born": "1960-02-11"}
    status, answer = table_client.ask(body=row)
    assert status == 422
    with pytest.raises(DataError) as told:
        people[1].preparation.require(list(row), "the request")
    assert message(answer) == str(told.value) and "'colour' for 'color'?" in answer["error"]["fix"]
    status, answer = table_client.ask(body=[PEOPLE, {"age": 3}])
    assert status == 422 and answer["error"]["problem"].startswith("example 2 lacks columns")


@pytest.mark.parametrize(
    ("value", "says"),
    [
        ([1], "no plain value"),
        ({"a": 1}, "no plain value"),
        (True, None),
        (10**400, "infinite number"),
    ],
)
def test_values_that_no_column_holds(table_client, value, says):
    status, answer = table_client.ask(body={**PEOPLE, "age": value})
    assert (status, says) == (200, None) or (status == 422 and says in message(answer))


def test_json_that_is_none(table_client):
    for body in (b"{", b"", b"\xff\xfe", b'{"age": NaN}', b"[1, 2,]", b"1" * 5000, b"-", b'"\\ud800'):
        status, answer = table_client.ask(body=body)
        assert status == 400 and "JSON" in message(answer), body
    assert table_client.ask(body=[])[0] == 422
    assert table_client.ask(body=[[], []])[0] == 422
    assert table_client.ask(body=None, method="POST")[0] == 415
    assert table_client.ask(body={**PEOPLE, "color": "\ud800"})[0] == 200


def test_depth_is_refused_whatever_it_is_made_of(table_client):
    for body in (b"[" * 100_000, b'{"a":' * 100_000, b"[" * 100_000 + b"]" * 100_000, b"[" * 40 + b"]" * 40):
        status, answer = table_client.ask(body=body)
        assert status == 400 and "deeply" in message(answer)
    assert table_client.ask(body={**PEOPLE, "color": "[" * 1000})[0] == 200  # within text it is no depth


def test_large_bodies_are_refused_before_they_are_read(table_client):
    answer = table_client.raw(HEAD + b"Content-Length: 1000000000\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 413") and b'"at most 1,000,000 bytes"' in answer
    chunks = b"Transfer-Encoding: chunked\r\n\r\n" + b"100000\r\n" + b" " * 0x100000 + b"\r\n"
    assert table_client.raw(HEAD + chunks).startswith(b"HTTP/1.1 413")


def test_slow_requests_are_cut_off(serving, people):
    client = serving(people[1], timeout=0.7)
    for sent in (b"", b"POST /pre", HEAD, HEAD + b"Content-Length: 50\r\n\r\n{"):
        begun = time.monotonic()
        answer = client.raw(sent)
        assert time.monotonic() - begun < 15
        assert answer.startswith(b"HTTP/1.1 408") and b"too slowly" in answer


def test_endless_heads_are_cut_off(table_client):
    answer = table_client.raw(HEAD + b"X: " + b"y" * 200_000)
    assert answer.startswith((b"HTTP/1.1 431", b"HTTP/1.1 400"))


def test_other_paths_and_methods_are_json_too(table_client):
    status, answer = table_client.ask("/predictions", body={})
    assert status == 404 and "/predict" in answer["error"]["expected"]
    status, answer = table_client.ask("/predict")
    assert status == 405 and answer["error"]["expected"] == "POST"
    assert table_client.ask("/health", body={})[0] == 405
    status, answer = table_client.ask(body=PEOPLE, kind="text/plain")
    assert status == 415 and "application/json" in answer["error"]["expected"]


def test_other_names_of_this_machine_are_refused_on_loopback(table_client):
    status, answer = table_client.ask(body=PEOPLE, headers={"Host": "evil.example"})
    assert status == 421 and "evil.example" in message(answer)
    assert table_client.ask(body=PEOPLE, headers={"Host": "localhost:99"})[0] == 200


def test_no_page_of_another_site_may_read_answers(table_client):
    answer = table_client.raw(
        b"GET /health HTTP/1.1\r\nHost: localhost\r\nOrigin: http://evil\r\nConnection: close\r\n\r\n"
    )
    assert b"access-control-allow-origin" not in answer.lower()
    assert b"x-content-type-options: nosniff" in answer


def test_a_token_is_asked_for(serving, people, tmp_path):
    client = serving(people[1], token="a-long-enough-token")
    assert client.ask(body=PEOPLE)[0] == 401
    assert client.ask(body=PEOPLE, headers={"Authorization": "Bearer a-long-enough-tokem"})[0] == 401
    assert client.ask(body=PEOPLE, headers={"Authorization": "Bearer a-long-enough-token"})[0] == 200
    assert [client.ask(path)[0] for path in ("/health", "/", "/openapi.json", "/metrics")] == [
        200,
        200,
        401,
        401,
    ]
    assert "salary" not in client.ask("/")[1]
    short = tmp_path / "token"
    short.write_text("short")
    with pytest.raises(OptionError, match="too easy to guess"):
        read_token(short)


def test_a_full_queue_says_so(serving, people):
    client = serving(people[1], queue=3, batch_size=2)
    begun, go = threading.Event(), threading.Event()
    usual = client.server.service.batcher.answer

    def slow(examples):
        begun.set()
        go.wait(30)
        return usual(examples)

    client.server.service.batcher.answer = slow
    statuses = []
    threads = [
        threading.Thread(target=lambda: statuses.append(client.ask(body=[PEOPLE, PEOPLE])[0]))
        for _ in range(5)
    ]
    threads[0].start()
    assert begun.wait(30)
    for thread in threads[1:]:
        thread.start()
    while len(statuses) < 3:
        time.sleep(0.01)
    assert statuses == [503, 503, 503] and client.well()
    go.set()
    for thread in threads:
        thread.join()
    assert sorted(statuses) == [200, 200, 503, 503, 503]


def test_openapi_says_what_to_send(table_client, image_client):
    description = table_client.ask("/openapi.json")[1]
    example = description["components"]["schemas"]["Example"]
    assert description["info"]["description"].startswith("Asked: to tell, from ")
    assert description["openapi"] == "3.1.0" and set(example["required"]) == set(PEOPLE)
    assert example["properties"]["color"]["examples"] == ["blue", "green", "red"]
    assert example["properties"]["age"]["type"] == ["number", "null"]
    labels = description["components"]["schemas"]["Prediction"]["properties"]["prediction"]["enum"]
    assert labels == ["no", "yes"]
    example = image_client.ask("/openapi.json")[1]["components"]["schemas"]["Example"]
    assert example["required"] == ["image"]


def test_metrics_count(serving, people):
    client = serving(people[1])
    for _ in range(3):
        client.ask(body=[PEOPLE, PEOPLE])
    client.ask(body={})
    text = client.ask("/metrics")[1]
    assert 'neurarium_requests_total{path="/predict",status="200"} 3' in text
    assert 'neurarium_requests_total{path="/predict",status="422"} 1' in text
    assert "neurarium_examples_total 6" in text


def test_a_hundred_connections_that_say_nothing_do_not_keep_others_out(table_client):
    idle = [socket.create_connection(table_client.place) for _ in range(100)]
    assert table_client.ask(body=PEOPLE)[0] == 200
    for each in idle:
        each.close()


def mutated(chance, whole):
    """A request with something wrong in it."""
    content = bytearray(whole)
    way = chance.randrange(5)
    if way == 0:
        return bytes(chance.randrange(256) for _ in range(chance.randrange(1, 400)))
    if way == 1:
        return bytes(content[: chance.randrange(len(content))])
    for _ in range(chance.randrange(1, 12)):
        place = chance.randrange(len(content))
        if way == 2:
            content[place] = chance.randrange(256)
        elif way == 3:
            content[place:place] = bytes(chance.randrange(256) for _ in range(chance.randrange(1, 9)))
        else:
            del content[place : place + chance.randrange(1, 9)]
            content += b" " * 12
    return bytes(content)


def test_random_bytes_neither_stop_the_server_nor_fill_its_memory(serving, people):
    client = serving(people[1], timeout=0.05)
    body = json.dumps(PEOPLE).encode()
    whole = HEAD + b"Connection: close\r\nContent-Length: %d\r\n\r\n" % len(body) + body
    chance = random.Random(0)

    def attack(times):
        for _ in range(times):
            answer = client.raw(mutated(chance, whole), wait=0.3)
            assert not answer or answer.startswith(b"HTTP/1.1 "), answer[:80]
            assert not answer.startswith(b"HTTP/1.1 500"), answer

    attack(60)
    before = resident()
    attack(240)
    assert resident() - before < 8  # MB
    assert client.well()
    assert client.server.service.batcher.count == 0


def resident():
    path = Path("/proc/self/status")
    return int(re.search(r"VmRSS:\s+(\d+)", path.read_text())[1]) / 1024 if path.is_file() else 0.0


def test_settings_out_of_range_and_a_taken_port(people, table_client):
    with pytest.raises(OptionError, match="port"):
        Settings(port=70000)
    from neurarium.serving import Server

    with pytest.raises(OptionError, match="cannot listen"):
        Server(people[1], Settings(port=table_client.place[1]))


def test_a_missing_package_is_told_with_the_line_that_installs_it(people, monkeypatch):
    from neurarium.serving import Server

    monkeypatch.setitem(sys.modules, "httptools", None)
    with pytest.raises(MissingDependencyError, match=r'pip install "neurarium\[serve\]"'):
        Server(people[1], Settings(port=0))


@pytest.mark.slow
def test_what_is_asked_when_the_end_comes_is_answered(people):
    command = [
        sys.executable,
        "-m",
        "neurarium",
        "serve",
        str(people[1].folder),
        "--port",
        "0",
        "--batch-delay",
        "1500",
    ]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    place = re.search(r"http://([\d.]+):(\d+)", process.stdout.readline())
    body = json.dumps(PEOPLE).encode()
    with socket.create_connection((place[1], int(place[2])), timeout=30) as connection:
        connection.sendall(HEAD + b"Content-Length: %d\r\n\r\n" % len(body) + body)
        time.sleep(0.3)  # it waits in its batch
        process.send_signal(signal.SIGTERM)
        answer = received(connection)
    assert answer.startswith(b"HTTP/1.1 200") and b'"prediction"' in answer
    assert process.wait(30) == 0 and process.stderr.read() == ""
