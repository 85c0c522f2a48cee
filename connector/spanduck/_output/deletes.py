"""Which spans a delete is about, and what it came to."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

from spanduck._output.files import reason
from spanduck._output.reports import count
from spanduck.exceptions import ConfigError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from spanduck.types import DeleteResponse

_STDIN: Final = "-"


def given_ids(span_ids: Sequence[str], file: str | None) -> list[str]:
    """Return the ids of the options: single ones, and those of a file, one a line.

    Blank lines do not count.

    Raises:
        ConfigError: There is none, or the file cannot be read.
    """
    ids = list(span_ids)
    if file is not None:
        ids += [line.strip() for line in _text(file).splitlines() if line.strip()]
    if not ids:
        raise ConfigError(
            "no span is named", next_step="Pass --span-id ID, or --from-file with an id a line."
        )
    return list(dict.fromkeys(ids))


def outcome(response: DeleteResponse) -> str:
    """Return what a delete came to, in a line."""
    deleted = f"{count(len(response.deleted_span_ids), 'span')} deleted"
    if not response.not_deleted_span_ids:
        return deleted
    why = "not found" if response.completed else "not deleted; run it again"
    return f"{deleted}, {len(response.not_deleted_span_ids):,} {why}"


def _text(file: str) -> str:
    try:
        return sys.stdin.read() if file == _STDIN else Path(file).read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as exc:
        raise ConfigError(f"cannot read {file}: {reason(exc)}", setting="--from-file") from exc
