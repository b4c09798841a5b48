"""Settings: where a run is served, and within which limits."""

from __future__ import annotations

import dataclasses
import ipaddress
from pathlib import Path

from neurarium.core.errors import OptionError


@dataclasses.dataclass(frozen=True)
class Settings:
    """Where and within which limits a run is served.

    Args:
        host, port: the address; port 0 takes a free one.
        batch_size: most examples that are computed together.
        batch_delay: seconds that the first of a batch waits for others.
        queue: most examples that wait; more are refused with 503.
        limit: most bytes of a request's body.
        timeout: seconds within which a request must have arrived.
        connections: most open connections.
        threads: of a computation.
        token: what `Authorization: Bearer` must hold; None for no check.

    Raises:
        OptionError: a number out of range.

    >>> Settings(host="127.0.0.1").loopback, Settings(host="0.0.0.0").loopback
    (True, False)
    """

    host: str = "127.0.0.1"
    port: int = 8000
    batch_size: int = 64
    batch_delay: float = 0.002
    queue: int = 4096
    limit: int = 8 << 20
    timeout: float = 20.0
    connections: int = 1000
    threads: int = 1
    token: str | None = None

    def __post_init__(self) -> None:
        ranges = {
            "port": (0, 65535), "batch_size": (1, 1 << 16), "batch_delay": (0, 10), "queue": (1, 1 << 24),
            "limit": (1, 1 << 40), "timeout": (0.01, 3600), "connections": (1, 1 << 20), "threads": (1, 1024),
        }  # fmt: skip
        for name, (low, high) in ranges.items():
            value = getattr(self, name)
            if not low <= value <= high:
                raise OptionError(
                    f"the {name.replace('_', ' ')} of the server is out of range",
                    expected=f"{low} to {high}",
                    received=value,
                )

    @property
    def loopback(self) -> bool:
        """Whether this machine alone can reach the server."""
        if self.host == "localhost":
            return True
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return False


def read_token(path: Path) -> str:
    """Read the token from a file.

    Raises:
        OptionError: no such file, or nothing in it.
    """
    try:
        token = path.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise OptionError(
            f"the token file {path} cannot be read: {error}", fix="give another --token-file"
        ) from error
    if len(token) < 16 or not token.isascii() or any(character.isspace() for character in token):
        raise OptionError(
            f"the token in {path} is too easy to guess",
            expected="16 letters, digits or more, without blanks",
            received=f"{len(token)} characters",
            fix="for example: python -c 'import secrets; print(secrets.token_urlsafe())' > token.txt",
        )
    return token
