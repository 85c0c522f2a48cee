"""Marks that our server leaves in an export stream and that other clients never see."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Final

# On an exported Arrow field of text or of lists of text: every non-null text of the store is valid
# JSON and none is empty, so a client need not check again before it calls the column JSON.
JSON_VALID_FIELD_KEY: Final = b"spanduck.json"
JSON_VALID: Final = b"valid"

# On an exported Arrow field of doubles: a NaN is, or may be, among the values stored. In SQL that
# is a number and greater than every other, in the filter language it is a missing value.
NAN_FIELD_KEY: Final = b"spanduck.nan"
NAN_STORED: Final = b"stored"


@dataclass(frozen=True)
class Trailer:
    """The `app_metadata` of an export's last batch.

    Attributes:
        rows: Rows of the whole stream.
    """

    rows: int

    def to_bytes(self) -> bytes:
        """Encode as the JSON text `{"rows": n}`."""
        return json.dumps({"rows": self.rows}).encode()

    @classmethod
    def from_bytes(cls, data: bytes | memoryview | None) -> Trailer | None:
        """Decode the `app_metadata` of a batch.

        Args:
            data: Any object with a buffer, such as a `pyarrow.Buffer`.

        Returns:
            None when there is none or it is not ours: another server may put anything there.
        """
        if data is None:
            return None
        try:
            parsed = json.loads(bytes(data))
        except (ValueError, RecursionError):
            return None
        rows = parsed.get("rows") if isinstance(parsed, dict) else None
        if not isinstance(rows, int) or isinstance(rows, bool) or rows < 0:
            return None
        return cls(rows)
