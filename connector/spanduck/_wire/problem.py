"""Problem documents: the bodies of REST errors (`application/problem+json`, RFC 9457)."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Final

from spanduck._wire.codec import parse_json_object
from spanduck.exceptions import Problem

PROBLEM_CONTENT_TYPE: Final = "application/problem+json"

_TEXTS: Final = ("title", "detail", "type", "instance", "request_id")


@dataclass(frozen=True)
class ProblemDocument(Problem):
    """The body of a REST error: a `Problem` with its JSON form."""

    def to_json(self) -> bytes:
        """Encode in UTF-8; empty texts are left out."""
        texts = {name: getattr(self, name) for name in _TEXTS if getattr(self, name)}
        document = {**self.extras, "status": self.status, **texts}
        return json.dumps(document, ensure_ascii=False).encode()

    @classmethod
    def from_json(cls, data: bytes) -> ProblemDocument:
        """Decode a body; a standard member of a wrong type counts as absent, as the RFC says.

        Raises:
            WireError: Not a JSON object.
        """
        document = parse_json_object(data, what="problem document")
        status = document.pop("status", 0)
        texts = {name: document.pop(name, "") for name in _TEXTS}
        return cls(
            status=status if isinstance(status, int) and not isinstance(status, bool) else 0,
            **{name: text if isinstance(text, str) else "" for name, text in texts.items()},
            extras=document,
        )
