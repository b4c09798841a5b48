"""Turns: a short answer is ready while a long one is computed, each is what it would be alone, and pieces come as they are."""

from __future__ import annotations

import asyncio
import json
import threading
import time
import urllib.request

import pytest

import neurarium as nr
from neurarium.serving.batching import QueueFullError
from neurarium.serving.example import Example
from neurarium.serving.turns import Turns

LONG = {"prompt": "to be", "tokens": 900, "temperature": 0.9, "seed": 5}
SHORT = {"prompt": "or not", "tokens": 3, "temperature": 0.9, "seed": 6}


@pytest.fixture(scope="module")
def language():
    data = nr.data.language(["to be or not to be " * 40], context=16)
    options = {"width": "32", "blocks": "2", "heads": "2"}
    return nr.studies.train(data, "decoder", options=options, epochs=2, progress=False)


def alone(run, asked):
    prompt, options = asked["prompt"], {name: each for name, each in asked.items() if name != "prompt"}
    return nr.studies.generate(run, prompt, **options).text


def counting(log):
    """Steps of the example (name, count), which write into the log."""

    def begin(examples):
        name, count = examples[0].value
        for number in range(count):
            log.append(f"{name}{number}")
            yield f"{name}{number}"
        if name == "bad":
            raise ValueError("bad")
        return [each.value[0].upper() for each in examples]

    return begin


def turns(log, **options):
    given = {"rows": lambda example: 1, "size": 4, "queue": 8, "moment": 0.0, **options}
    return Turns(counting(log), **given)


def test_steps_alternate_and_the_short_one_ends_first():
    log, ended = [], []

    async def run():
        made = turns(log)

        async def ask(name, count):
            answers = await made.ask([Example((name, count))])
            ended.append(answers[0])

        await asyncio.gather(ask("a", 5), ask("b", 2))
        made.close()

    asyncio.run(run())
    assert ended == ["B", "A"]
    assert log == ["a0", "b0", "a1", "b1", "a2", "a3", "a4"]


def test_places_are_kept_and_the_examples_of_a_request_are_answered_in_their_order():
    log = []

    async def run():
        made = turns(log, rows=lambda example: 3)  # two do not fit into 4 places
        both = await made.ask([Example(("a", 3)), Example(("b", 1))])
        made.close()
        return both, made.computed

    assert asyncio.run(run()) == (["A", "B"], 2)
    assert log == ["a0", "a1", "a2", "b0"]


def test_examples_of_a_request_are_begun_together():
    log = []

    async def run():
        made = turns(log, together=2)
        answers = await made.ask([Example((name, 1)) for name in "abc"])
        made.close()
        return answers, made.computed, made.count

    assert asyncio.run(run()) == (["A", "B", "C"], 3, 0)
    assert log == ["a0", "c0"]


def test_requests_that_wait_are_begun_together_and_each_gets_its_own():
    log = []

    async def run():
        made = turns(log, together=3, queue=20, size=6)
        asked = [made.ask([Example((name, 2)) for name in names]) for names in ("a", "bc", "d", "efg", "h")]
        answers = await asyncio.gather(*asked)
        made.close()
        return answers, made.computed, made.batches

    answers, computed, batches = asyncio.run(run())
    assert answers == [["A"], ["B", "C"], ["D"], ["E", "F", "G"], ["H"]]
    assert (
        computed == 8 and batches == 4
    )  # a, which came first; b, c and d; then there are places for e, f, g; and h
    assert log[:4] == ["a0", "b0", "a1", "b1"]


def test_whoever_has_gone_is_not_computed_for_an_error_stays_alone_and_the_queue_has_an_end():
    log = []

    async def run():
        made = turns(log, size=1, queue=2)
        long = asyncio.ensure_future(made.ask([Example(("a", 1000))]))
        bad = asyncio.ensure_future(made.ask([Example(("bad", 1)), Example(("c", 1))]))
        await asyncio.sleep(0.01)
        with pytest.raises(QueueFullError, match="2 examples wait"):
            await made.ask([Example(("d", 1))])
        long.cancel()
        with pytest.raises(ValueError, match="bad"):
            await bad
        answers = await made.ask([Example(("e", 1))])
        made.close()
        return answers

    assert asyncio.run(run()) == ["E"]
    assert 0 < sum(each.startswith("a") for each in log) < 1000 and "c0" not in log


def test_a_short_question_is_answered_while_a_long_text_is_written_and_both_are_as_if_alone(
    serving, language
):
    client, found = serving(language), {}
    expected = alone(language, LONG), alone(language, SHORT)

    def ask():
        found["long"] = client.predictions(LONG)[0]["text"]

    before = client.server.service.batcher.computed
    asking = threading.Thread(target=ask)
    asking.start()
    while client.server.service.batcher.computed == before:
        time.sleep(0.001)
    short = client.predictions(SHORT)[0]["text"]
    assert asking.is_alive(), "the short answer waited for the long one"
    asking.join(60)
    assert (found["long"], short) == expected
    several = client.predictions([LONG, {"text": "to be or not"}, {**SHORT, "temperature": 0.0}, SHORT])
    assert several[0]["text"] == expected[0] and several[3]["text"] == expected[1]
    scored = nr.studies.predict(language, ["to be or not"])["log_likelihood"][0]
    assert several[1]["log_likelihood"] == pytest.approx(scored, abs=1e-5)


def lines_of(client, body):
    request = urllib.request.Request(
        client.address + "/predict", json.dumps(body).encode(), {"Content-Type": "application/json"}
    )
    with urllib.request.urlopen(request, timeout=60) as response:
        kind = response.headers["Content-Type"]
        return kind, [(json.loads(line), time.monotonic()) for line in response]


def test_a_text_is_told_in_pieces_while_it_is_written(serving, language):
    client = serving(language)
    kind, told = lines_of(client, {**LONG, "stream": True})
    lines = [line for line, _ in told]
    assert kind == "application/x-ndjson" and len(lines) > 100
    assert "".join(each["piece"] for each in lines[:-1]) == alone(language, LONG)
    assert lines[-1]["predictions"][0] == client.predictions(LONG)[0]
    assert told[0][1] < told[-1][1] - 0.05  # the first was there long before the last
    status, refused = client.ask(body={"prompt": "a", "beam": 2, "top_k": 2, "stream": True})
    assert status == 422 and "beam" in refused["error"]["message"]
    for wrong, said in (
        ({**SHORT, "stream": 1}, "true or false"),
        ([{**SHORT, "stream": True}] * 2, "one example"),
    ):
        status, refused = client.ask(body=wrong)
        assert status == 422 and said in refused["error"]["message"]


def test_an_answer_ends_before_the_first_text_that_stops_it_in_a_stream_too(serving, language):
    client, asked = serving(language), {**LONG, "tokens": 150}
    whole = alone(language, asked)
    stop = whole[40:47]
    first = whole[: min(whole.index(stop), whole.index("not"))]
    found = client.predictions({**asked, "stop": [stop, "not"]})[0]
    assert found["text"] == first == alone(language, {**asked, "stop": [stop, "not"]})
    assert found["ended"] == "stop" and found["tokens"] < 150
    assert client.predictions({**asked, "stop": stop})[0]["text"] == whole[: whole.index(stop)]
    _, told = lines_of(client, {**asked, "stop": [stop, "not"], "stream": True})
    lines = [line for line, _ in told]
    assert "".join(each["piece"] for each in lines[:-1]) == first and lines[-1]["predictions"] == [found]
    never = client.predictions({**asked, "stop": "\u0000"})[0]
    assert never["text"] == whole and never["ended"] == "length"
    penalized = {**asked, "repetition_penalty": 1.5}
    assert client.predictions(penalized)[0]["text"] == alone(language, penalized) != whole
    for wrong in ("", [""], 7, ["a"] * 17, "a" * 201, [1], {"a": 1}, None):
        status, refused = client.ask(body={**SHORT, "stop": wrong})
        assert status == 422 and "'stop' of" in refused["error"]["message"]
    status, refused = client.ask(body={**SHORT, "stop": "a", "beam": 2})
    assert status == 422 and "leave out" in refused["error"]["message"]
    status, refused = client.ask(body={"text": "to be", "stop": "a"})
    assert status == 422


def test_nothing_is_written_for_one_who_has_gone(serving, language):
    client = serving(language)
    body = json.dumps({**LONG, "tokens": 1000, "stream": True}).encode()
    head = b"POST /predict HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n"
    import socket

    with socket.create_connection(client.place, timeout=20) as connection:
        connection.sendall(head % len(body) + body)
        assert b"200 OK" in connection.recv(4096)
    batcher = client.server.service.batcher
    deadline = time.monotonic() + 0.5 * 20
    while (batcher.active or batcher._busy) and time.monotonic() < deadline:
        time.sleep(0.005)
    assert not batcher.active and client.predictions(SHORT)[0]["text"] == alone(language, SHORT)


@pytest.fixture(scope="module")
def translator():
    rows = {"en": ["a cat", "a dog"] * 8, "de": ["die " * 200 + "Katze", "der " * 200 + "Hund"] * 8}
    data = nr.data.text_pairs(rows, text="en", target="de", tokenizer="words")
    options = {"width": 16, "dropout": 0.0}
    return nr.studies.train(data, "seq2seq-lstm", options=options, epochs=2, progress=False, evaluate=False)


def test_a_translation_is_ready_while_a_long_one_is_written_and_both_are_as_if_alone(serving, translator):
    texts = ["a dog", ""]  # nothing is written for nothing
    expected = nr.studies.translate(translator, texts)
    assert len(expected["prediction"][0].split()) > 100 and expected["prediction"][1] == ""
    client, ended = serving(translator), []
    batcher = client.server.service.batcher

    def ask(text):
        ended.append((text, client.predictions(text)[0]))

    before = batcher.computed
    long = threading.Thread(target=ask, args=(texts[0],))
    long.start()
    while batcher.computed == before:
        time.sleep(0.001)
    ask(texts[1])
    long.join(60)
    assert [text for text, _ in ended] == ["", "a dog"], "the short answer waited for the long one"
    assert [answer["prediction"] for _, answer in ended] == expected["prediction"].to_list()[::-1]
    assert ended[1][1]["score"] == pytest.approx(expected["score"][0], abs=1e-5)
    both = client.predictions(texts * 10)  # in two searches
    assert [each["prediction"] for each in both] == expected["prediction"].to_list() * 10
    (cut,) = client.predictions("a dog " * 50)
    assert "behind the first" in cut["notes"]["cut"]
