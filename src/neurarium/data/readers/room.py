"""Room: how much memory is free, here and now."""

from __future__ import annotations

import os
from pathlib import Path

UNKNOWN = 4 << 30  # taken as free where the system does not say


def free_memory() -> int:
    """Return the bytes that can be taken without swapping; a container's limit counts.

    >>> free_memory() > 0
    True
    """
    found = [each for each in (_system(), _container()) if each is not None]
    return max(min(found, default=UNKNOWN), 0)


def _system() -> int | None:
    try:
        lines = Path("/proc/meminfo").read_text().splitlines()
        fields = dict(line.split(":", 1) for line in lines if ":" in line)
        return int(fields["MemAvailable"].split()[0]) << 10
    except (OSError, KeyError, ValueError, IndexError):
        return _half()


def _half() -> int | None:
    """Half of the machine, where it does not tell what is free."""
    try:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") // 2
    except (AttributeError, ValueError, OSError):
        return None


def _container() -> int | None:
    """What is left of the limit of a control group (version 2)."""
    try:
        folder = Path("/sys/fs/cgroup")
        limit = (folder / "memory.max").read_text().strip()
        return None if limit == "max" else int(limit) - int((folder / "memory.current").read_text())
    except (OSError, ValueError):
        return None
