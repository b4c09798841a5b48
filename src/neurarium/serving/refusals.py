"""Refusals: every answer that is no prediction is JSON with the fields of the command line's messages."""

from __future__ import annotations

from typing import Any

from starlette.responses import JSONResponse, Response

from neurarium.core.errors import UserError


class Refusal(UserError):
    """A request that is not answered.

    Args:
        status: of HTTP.
        close: whether the connection ends, because what is left of the request would have to be read.
        headers: further ones.
        problem, expected, received, fix: as for `UserError`.
    """

    def __init__(
        self,
        status: int,
        problem: str,
        *,
        close: bool = False,
        headers: dict[str, str] | None = None,
        expected: Any = None,
        received: Any = None,
        fix: str | None = None,
    ):
        super().__init__(problem, expected=expected, received=received, fix=fix)
        self.status, self.headers = status, dict(headers or {})
        if close:
            self.headers["connection"] = "close"


def refused(error: UserError) -> Response:
    """Return the response of an error: its own status, or 422 for data that does not fit."""
    status = error.status if isinstance(error, Refusal) else 422
    headers = error.headers if isinstance(error, Refusal) else None
    return JSONResponse({"error": fields(error)}, status_code=status, headers=headers)


def fields(error: UserError) -> dict[str, str]:
    """Return what a message says, by part; `message` is what the command line would print."""
    named = {name: getattr(error, name) for name in ("problem", "expected", "received", "fix")}
    return {"message": str(error), **{name: str(value) for name, value in named.items() if value is not None}}
