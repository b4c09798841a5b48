"""Server: a run behind HTTP until SIGTERM; what is being answered then is answered to its end."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import signal
import socket
import sys
import threading
from collections.abc import Callable, Iterator
from typing import Any

import torch

from neurarium.core.errors import OptionError, require
from neurarium.serving.settings import Settings
from neurarium.training.run import Run

LARGEST_HEAD = 64 << 10
GRACE = 15  # seconds for what is being answered at the end
SWITCH = 0.0005  # seconds after which the thread that computes lets the one that answers in; Python's 5 ms are a wait


def serve(run: Run, settings: Settings, *, ready: Callable[[str], None] | None = None) -> None:
    """Serve a run until SIGTERM or Ctrl-C.

    Args:
        run: a trained run with its preparation.
        settings: the address and the limits.
        ready: called with the address once requests are answered.

    Raises:
        MissingDependencyError: starlette, uvicorn or httptools are not installed.
        OptionError: the address is taken, or not ours.
        ArtifactError, RefusalError: the run cannot be served.
    """
    Server(run, settings).run(ready)


class Server:
    """A run at an address, not yet answering.

    Args:
        run, settings: as for `serve`.
    """

    def __init__(self, run: Run, settings: Settings):
        for package in ("starlette", "uvicorn", "httptools"):
            require(package, extra="serve")
        import uvicorn

        from neurarium.serving.application import Service
        from neurarium.serving.predictor import Predictor
        from neurarium.serving.protocol import bounded

        self.settings = settings
        predictor = Predictor(run)
        self.service = Service(predictor, settings, run.folder.name if run.folder else "run")
        self.listening = _listen(settings)
        predictor.warm_up()
        config = uvicorn.Config(
            self.service.guarded(),
            http=bounded(settings.timeout, LARGEST_HEAD),
            ws="none",
            lifespan="on",
            log_level="warning",
            access_log=False,
            server_header=False,
            proxy_headers=False,
            limit_concurrency=settings.connections,
            timeout_keep_alive=int(max(5, settings.timeout)),
            timeout_graceful_shutdown=GRACE,
            backlog=2048,
        )
        self.server = uvicorn.Server(config)

    @property
    def address(self) -> str:
        """Where it answers, `http://host:port`."""
        host, port = self.listening.getsockname()[:2]
        return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"

    def run(self, ready: Callable[[str], None] | None = None) -> None:
        """Answer until SIGTERM, Ctrl-C, or `stop`."""
        torch.set_num_threads(self.settings.threads)
        sys.setswitchinterval(SWITCH)
        gc.collect()
        gc.freeze()  # what was loaded stays: looking through all of it again and again costs tens of milliseconds
        address = self.address
        if ready is not None:
            _when_started(self.server, lambda: ready(address))
        try:
            with _ended_by_signals():
                self.server.run(sockets=[self.listening])
        finally:
            gc.unfreeze()
            self.listening.close()

    def stop(self) -> None:
        """Ask it to end, from any thread; what is being answered is answered."""
        self.server.should_exit = True


def _listen(settings: Settings) -> socket.socket:
    try:
        found = socket.getaddrinfo(
            settings.host, settings.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )
        family, kind, protocol, _, address = found[0]
        listening = socket.socket(family, kind, protocol)
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind(address)
    except OSError as error:
        raise OptionError(
            f"the server cannot listen at {settings.host}:{settings.port}: {error.strerror or error}",
            expected="a free port of this machine",
            fix="choose another --port, or 0 for any free one",
        ) from error
    return listening


@contextlib.contextmanager
def _ended_by_signals() -> Iterator[None]:
    """uvicorn raises a signal again once it has answered what was asked: here that is the end of serving, not ours."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {each: signal.signal(each, lambda *_: None) for each in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)


def _when_started(server: Any, tell: Callable[[], None]) -> None:
    usual = server.startup

    async def startup(sockets: list[socket.socket] | None = None) -> None:
        await usual(sockets=sockets)
        if server.started:
            asyncio.get_running_loop().call_soon(tell)

    server.startup = startup
