"""`neurarium serve`: a run behind HTTP, on this machine alone unless it is told otherwise."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from neurarium.cli import arguments as a
from neurarium.cli.folders import find_run
from neurarium.cli.output import Output

Host = Annotated[str, typer.Option("--host", metavar="NAME", help="The address to listen at.")]
Port = Annotated[int, typer.Option("--port", "-p", metavar="N", help="The port; 0 takes a free one.")]
BatchSize = Annotated[
    int, typer.Option("--batch-size", metavar="N", help="Most examples that are computed together.")
]
BatchDelay = Annotated[
    float, typer.Option("--batch-delay", metavar="MS", help="Milliseconds that the first of a batch waits.")
]
Queue = Annotated[int, typer.Option("--queue", metavar="N", help="Most examples that wait; others get 503.")]
Limit = Annotated[float, typer.Option("--limit", metavar="MB", help="Most megabytes of a request.")]
Timeout = Annotated[
    float, typer.Option("--timeout", metavar="S", help="Seconds within which a request must have arrived.")
]
Threads = Annotated[int, typer.Option("--threads", metavar="N", help="Threads of the computation.")]
TokenFile = Annotated[
    Path | None,
    typer.Option(
        "--token-file",
        metavar="FILE",
        help="A file with the token that requests must hold as `Authorization: Bearer TOKEN`.",
        show_default=False,
    ),
]


def serve(
    run: a.RunName,
    host: Host = "127.0.0.1",
    port: Port = 8000,
    batch_size: BatchSize = 64,
    batch_delay: BatchDelay = 2.0,
    queue: Queue = 4096,
    limit: Limit = 8.0,
    timeout: Timeout = 20.0,
    threads: Threads = 1,
    token_file: TokenFile = None,
    as_json: a.Json = False,
    quiet: a.Quiet = False,
    debug: a.Debug = False,
) -> None:
    """Answer predictions over HTTP until Ctrl-C: POST /predict, a page at /, GET /openapi.json.

    Example: neurarium serve runs/adult-1
    """
    from neurarium.serving.server import serve as served
    from neurarium.serving.settings import Settings, read_token
    from neurarium.training.run import Run

    said = Output(as_json, quiet)
    token = read_token(token_file) if token_file is not None else None
    settings = Settings(
        host=host,
        port=port,
        batch_size=batch_size,
        batch_delay=batch_delay / 1000,
        queue=queue,
        limit=int(limit * 1_000_000),
        timeout=timeout,
        threads=threads,
        token=token,
    )
    folder = find_run(run)
    trained = Run.load(folder)
    if not settings.loopback:
        who = "whoever reaches it may ask" if token is None else "who has the token may ask"
        said.note(f"{host} is open to other machines: {who}, and nothing is encrypted; see --token-file")

    def ready(address: str) -> None:
        said.say(f"serving {folder} at [bold]{address}[/]  [dim](Ctrl-C ends)[/]")
        sys.stdout.flush()

    served(trained, settings, ready=ready)
    said.finish({"run": folder, "host": host, "port": port})
