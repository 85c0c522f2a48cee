"""Problem documents: the bodies of REST errors (`application/problem+json`, RFC 9457)."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from spanduck._wire.codec import parse_json_object

if TYPE_CHECKING:
    from collections.abc import Mapping

PROBLEM_CONTENT_TYPE: Final = "application/problem+json"

_TEXTS: Final = ("title", "detail", "type", "instance", "request_id")


@dataclass(frozen=True)
class ProblemDocument:
    """The body of a REST error.

    Attributes:
        status: HTTP status; 0 when the body does not say.
        title: The kind of problem in a few words.
        detail: This problem: which field or token, and why.
        type: A URI of the kind of problem.
        instance: A URI of this problem.
        request_id: The service's name for the request.
        extras: Further members, such as `deleted_span_ids` of an unfinished delete.
    """

    status: int
    title: str = ""
    detail: str = ""
    type: str = ""
    instance: str = ""
    request_id: str = ""
    # `Any`: members of other people's documents.
    extras: Mapping[str, Any] = field(default_factory=dict, hash=False)

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
