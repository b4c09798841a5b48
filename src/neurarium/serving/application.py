"""Application: a run as an ASGI application with a page, predictions, health, metrics and its own description."""

from __future__ import annotations

import contextlib
import hmac
import importlib.resources
import logging
import time
from collections.abc import AsyncIterator, Mapping
from typing import Any

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from neurarium.core.errors import DataError, UserError
from neurarium.serving.batching import Batcher, QueueFullError
from neurarium.serving.bodies import questions, read_body
from neurarium.serving.counters import Counters
from neurarium.serving.description import description
from neurarium.serving.predictor import Predictor
from neurarium.serving.refusals import Refusal, refused
from neurarium.serving.settings import Settings
from neurarium.serving.streaming import FAILED, begun, encoded, queue_full, streamed, tell
from neurarium.serving.turns import Turns
from neurarium.training.run import Run

LOG = logging.getLogger("neurarium.serving")
OPEN = ("/", "/health")  # what is shown without a token; the page holds nothing of the run
LOCAL = {"localhost", "127.0.0.1", "[::1]", "::1", "testserver"}
HEADERS = [
    (b"x-content-type-options", b"nosniff"),
    (b"cache-control", b"no-store"),
    (b"content-security-policy", b"default-src 'self'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; img-src data:; frame-ancestors 'none'"),
]  # fmt: skip


def asgi(run: Run, settings: Settings | None = None) -> Any:
    """Return a run as an ASGI application.

    Args:
        run: a trained run with its preparation.
        settings: limits; the address is the business of who runs it.

    Raises:
        ArtifactError, RefusalError: the run cannot be served.
    """
    return Service(Predictor(run), settings or Settings(), run.folder.name if run.folder else "run").guarded()


class Service:
    """The routes of a served run.

    Args:
        predictor: what answers.
        settings: the limits.
        name: of the run.
    """

    def __init__(self, predictor: Predictor, settings: Settings, name: str):
        self.predictor, self.settings, self.name = predictor, settings, name
        self.batcher: Batcher | Turns
        if predictor.reader.alone:  # none waits for another's long answer
            self.batcher = Turns(
                predictor.begin,
                predictor.rows,
                settings.batch_size,
                settings.queue,
                together=predictor.together,
            )
        else:
            self.batcher = Batcher(
                predictor.answer, settings.batch_size, settings.batch_delay, settings.queue
            )
        self.counters = Counters()
        self.description = description(predictor, name, settings.token is not None)
        self.page = (importlib.resources.files("neurarium.serving") / "page.html").read_text(encoding="utf-8")

    def guarded(self) -> Any:
        """Return the application behind the checks of address and token."""
        routes = [
            Route("/", self.home),
            Route("/predict", self.unreached, methods=["POST"]),
            Route("/health", self.health),
            Route("/openapi.json", self.openapi),
            Route("/metrics", self.metrics),
        ]
        handlers: dict[Any, Any] = {UserError: _told, HTTPException: _http, Exception: _ours}
        inner = Starlette(routes=routes, exception_handlers=handlers, lifespan=self._lifespan)
        return Guard(inner, self.predict, self.settings, self.counters, {route.path for route in routes})

    @contextlib.asynccontextmanager
    async def _lifespan(self, _: Any) -> AsyncIterator[None]:
        yield
        self.batcher.close()

    async def predict(self, headers: Mapping[bytes, bytes], receive: Any) -> bytes | AsyncIterator[bytes]:
        """Answer one example or several, as JSON; one that asks for it in pieces, as lines of JSON.

        Raises:
            UserError: why there is no answer.
        """
        body = await read_body(receive, headers.get(b"content-length", b"").decode("latin-1"), self.settings)
        given = questions(
            body, headers.get(b"content-type", b"").decode("latin-1"), self.predictor.reader.media
        )
        examples = []
        for number, each in enumerate(given, start=1):
            examples.append(
                self.predictor.parse(each, "the request" if len(given) == 1 else f"example {number}")
            )
        if any(each.streamed for each in examples):
            if len(examples) > 1:
                raise DataError(
                    "several answers cannot be told in pieces", expected="one example", received=len(examples)
                )
            return streamed(self.batcher, examples[0])
        try:
            answers = await self.batcher.ask(examples)
        except QueueFullError as error:
            raise queue_full(error) from error
        for number, answer in enumerate(answers, start=1):
            if isinstance(answer, UserError):
                raise _placed(answer, number, len(answers))
        return encoded({"predictions": answers})

    async def unreached(self, _: Request) -> Response:
        """Stand in the list of routes for `predict`, which `Guard` calls itself: routing costs more than reading."""
        raise HTTPException(405)

    async def health(self, _: Request) -> Response:
        """Say that the server works."""
        return JSONResponse({"status": "ok", "run": self.name})

    async def openapi(self, _: Request) -> Response:
        """Return the OpenAPI document."""
        return JSONResponse(self.description)

    async def metrics(self, _: Request) -> Response:
        """Return the counters."""
        text = self.counters.text(
            batches_total=self.batcher.batches,
            examples_total=self.batcher.computed,
            waiting=self.batcher.count,
        )
        return PlainTextResponse(text, media_type="text/plain; version=0.0.4")

    async def home(self, _: Request) -> Response:
        """Show the page."""
        return Response(self.page, media_type="text/html")


class Guard:
    """Checks who asks before anything is read: the name of the host on loopback, the token; counts what was answered.

    A page of another site can make a browser ask this machine under a name of its own (DNS rebinding); on loopback
    only local names are answered.
    """

    def __init__(self, inner: Any, predict: Any, settings: Settings, counters: Counters, paths: set[str]):
        self.inner, self.predict = inner, predict
        self.settings, self.counters, self.paths = settings, counters, paths
        self.local = settings.loopback

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            await self.inner(scope, receive, send)
            return
        began, path = time.perf_counter(), scope["path"]
        status = 500

        async def told(message: Any) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [*message.get("headers", ()), *HEADERS]
            await send(message)

        headers = dict(scope["headers"])
        try:
            refusal = self._refusal(path, headers)
            if refusal is not None:
                await refused(refusal)(scope, receive, told)
            elif path == "/predict" and scope["method"] == "POST":
                await self._predict(headers, scope, receive, told)
            else:
                await self.inner(scope, receive, told)
        finally:
            self.counters.count(path if path in self.paths else "other", status, time.perf_counter() - began)

    async def _predict(self, headers: Mapping[bytes, bytes], scope: Any, receive: Any, send: Any) -> None:
        """Answer a question without the layers between: they would take as long as all the rest."""
        try:
            body = await self.predict(headers, receive)
            if not isinstance(body, bytes):
                body = await begun(body)
        except UserError as error:
            await refused(error)(scope, receive, send)
            return
        except Exception:
            LOG.exception("a prediction failed")
            await refused(FAILED)(scope, receive, send)
            return
        if not isinstance(body, bytes):
            await tell(body, receive, send)
            return
        length = str(len(body)).encode()
        start = [(b"content-type", b"application/json"), (b"content-length", length)]
        await send({"type": "http.response.start", "status": 200, "headers": start})
        await send({"type": "http.response.body", "body": body})

    def _refusal(self, path: str, headers: dict[bytes, bytes]) -> Refusal | None:
        if self.local:
            host = headers.get(b"host", b"").decode("latin-1").lower()
            if host.rpartition(":")[0] not in LOCAL and host not in LOCAL:
                return Refusal(
                    421, "this server answers on its own machine alone", expected="localhost or 127.0.0.1", received=host,
                    close=True,
                )  # fmt: skip
        if self.settings.token is not None and path not in OPEN:
            given = headers.get(b"authorization", b"")
            if not hmac.compare_digest(given, b"Bearer " + self.settings.token.encode()):
                headers_ = {"www-authenticate": "Bearer"}
                return Refusal(
                    401,
                    "there is no valid token",
                    expected="Authorization: Bearer TOKEN",
                    headers=headers_,
                    close=True,
                )
        return None


def _placed(error: UserError, number: int, count: int) -> UserError:
    """Say which of several examples is at fault."""
    if count == 1:
        return error
    problem = f"example {number}: {error.problem}"
    return Refusal(422, problem, expected=error.expected, received=error.received, fix=error.fix)


async def _told(_: Request, error: Exception) -> Response:
    return refused(error)  # type: ignore[arg-type]


async def _http(request: Request, error: Exception) -> Response:
    status: int = error.status_code  # type: ignore[attr-defined]
    path = request.url.path[:100]
    if status == 404:
        paths = ", ".join(("/", "/predict", "/health", "/openapi.json", "/metrics"))
        return refused(Refusal(404, f"there is nothing at {path}", expected=f"one of {paths}"))
    headers = dict(getattr(error, "headers", None) or {})
    if status == 405:
        return refused(
            Refusal(
                405,
                f"{path} is not asked by {request.method}",
                expected=headers.get("Allow"),
                headers=headers,
                close=True,
            )
        )
    return refused(Refusal(status, str(getattr(error, "detail", status))))


async def _ours(_: Request, error: Exception) -> Response:
    return refused(FAILED)
