"""Resource ids: base64 of text with a colon. Anything else is a name."""

from __future__ import annotations

import base64


def is_id(text: str) -> bool:
    """Tell an id from a name: strict base64 of UTF-8 text that holds a colon."""
    try:
        return ":" in base64.b64decode(text, validate=True).decode()
    except ValueError:
        return False


def make_id(kind: str, number: int, suffix: str = "") -> str:
    """Return the id of a resource, such as `Space:1:bFuL` in base64.

    Args:
        kind: `Space`, or `Model` for a project.
        number: Distinguishes the resources of a kind.
        suffix: Text that makes ids of different stores differ; may be empty.
    """
    text = f"{kind}:{number}:{suffix}" if suffix else f"{kind}:{number}"
    return base64.b64encode(text.encode()).decode()
