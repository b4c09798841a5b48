"""A whole page: style and script inside, and a policy that lets nothing load."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Sequence
from html import escape
from importlib import resources


def document(title: str, head: str, parts: Sequence[str]) -> str:
    """Return a whole page: style and script inside, a list of its sections, and a policy that lets nothing load.

    Args:
        title: of the window; it is escaped.
        head: the first part, HTML.
        parts: sections as `parts.section` makes them, HTML; empty ones are left out.
    """
    import neurarium

    held = [part for part in parts if part]
    style = (resources.files("neurarium.report") / "style.css").read_text(encoding="utf-8")
    script = (resources.files("neurarium.report") / "script.js").read_text(encoding="utf-8")
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    policy = (
        f"default-src 'none'; style-src 'unsafe-inline'; img-src data:; script-src 'sha256-{digest}'; "
        "base-uri 'none'; form-action 'none'"
    )
    links = "".join(
        f'<a href="#{found[1]}">{found[2]}</a>'
        for part in held
        for found in re.findall(r'^(<section id="([\w-]+)" [^>]*><h2[^>]*>(.*?)</h2>)', part)
    )
    contents = f"<nav aria-label=sections>{links}</nav>" if links else ""
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta name="color-scheme" content="light dark">\n'
        f"<title>{escape(title)}</title>\n<style>\n{style}</style>\n</head>\n<body>\n"
        '<a class=skip href="#main">Skip to the content</a>\n<main id=main tabindex=-1>\n'
        + "\n".join([head, contents, *held])
        + f"\n</main>\n<footer>Written by Neurarium {neurarium.__version__}. This page loads nothing from elsewhere.</footer>\n"
        f"<script>{script}</script>\n</body>\n</html>\n"
    )
