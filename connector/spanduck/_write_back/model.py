"""Model files: one SELECT, with TOML in a leading block comment."""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time
from pathlib import PurePath
from typing import TYPE_CHECKING, Any, Final, NoReturn

from spanduck._write_back.incremental import Missing, parse_lookback
from spanduck._write_back.keys import span_key
from spanduck._write_back.kinds import KINDS
from spanduck._write_back.limits import parse_limit
from spanduck.exceptions import ValidationError, did_you_mean

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from spanduck._write_back.limits import Limit

POLICIES: Final = ("skip", "write")
"""What becomes of a NULL in a metadata column: nothing, or a null that is stored."""

_KEYS: Final = (
    *("kind", "project", "space", "name", "key", "nulls"),
    *("incremental", "lookback", "start", "missing"),
    *("max_invalid", "max_rejected"),
)
_TEXTS: Final = ("kind", "project", "space", "name", "key", "missing", "lookback")
_OPENING: Final = re.compile(r"\s*/\*[ \t]*spanduck\b")
_TOML_PLACE: Final = re.compile(r"\s*\(at (?:line (\d+), column \d+|end of document)\)$")
_EXAMPLE: Final = 'Begin the file with: /* spanduck\\nkind = "eval"\\nproject = "my-llm-app"\\n*/'
_UNKNOWN_NULL: Final = (
    'nulls = "write" is for metadata: what a NULL field of an evaluation or annotation does on '
    "the wire is unknown"
)


@dataclass(frozen=True)
class Model:
    """A model file, read.

    Attributes:
        path: Where it came from, for messages.
        sql: The whole text, the comment included, so that positions in it are those of the file.
        project: Name or id of the project.
        kind: `eval`, `annotation` or `metadata`; None when the columns tell.
        space: Name or id of the space; None for the configured one.
        name: What the state knows the model by: the file's name without its ending, unless it says
            another.
        key: What span ids are found by; None when the columns tell.
        nulls: What becomes of NULLs, for all columns or by column; None for the default.
        incremental: Whether its SELECT reads only what is newer than the last run.
        lookback: Of an incremental model, how far before its watermark a run reads, as an INTERVAL.
        start: Of an incremental model, where its first run begins; None for the first span.
        missing: The evaluation or annotation that the spans it reads must lack.
        max_invalid: Most invalid values of a run, as a number or a share; None for any.
        max_rejected: Likewise of rejected ones.
    """

    path: str
    sql: str
    project: str
    kind: str | None = None
    space: str | None = None
    name: str = ""
    key: str | None = None
    nulls: str | Mapping[str, str] | None = None
    incremental: bool = False
    lookback: str | None = None
    start: datetime | None = None
    missing: Missing | None = None
    max_invalid: Limit | None = None
    max_rejected: Limit | None = None


def read_model(path: Path) -> Model:
    """Read a model file.

    Raises:
        ValidationError: It cannot be read, or its leading comment is not as it should be; the
            message begins with file and line.
    """
    try:
        # A byte order mark, as some editors write, is no part of the SQL.
        text = path.read_text(encoding="utf-8-sig")
    except OSError as exc:
        raise ValidationError(
            f"cannot read the model {path}: {exc.strerror}", next_step="Check the path."
        ) from exc
    except UnicodeDecodeError as exc:
        line = exc.object[: exc.start].count(b"\n") + 1
        raise ValidationError(
            f"{path}:{line}: not UTF-8", next_step="Save the file as UTF-8."
        ) from exc
    return parse_model(text, name=str(path))


def parse_model(text: str, *, name: str) -> Model:
    """Read the text of a model file; see `read_model`.

    Args:
        text: The whole file.
        name: The file's name, for messages.
    """
    block, first_line = _block(text, name)
    comment = _Comment(name, block, first_line, _toml(block, name, first_line))
    comment.check_keys()
    values = comment.values
    return Model(
        path=name,
        sql=text,
        project=values["project"],
        kind=comment.kind(),
        space=values.get("space"),
        name=values.get("name", PurePath(name).stem),
        key=comment.read("key", lambda key: span_key(key).name),
        nulls=comment.nulls(),
        incremental=comment.is_incremental(),
        lookback=comment.read("lookback", parse_lookback),
        start=comment.read("start", _moment),
        missing=comment.read("missing", Missing.parse),
        max_invalid=comment.read("max_invalid", parse_limit),
        max_rejected=comment.read("max_rejected", parse_limit),
    )


@dataclass(frozen=True)
class _Comment:
    """The leading comment of a model.

    Attributes:
        name: The file's name.
        block: Its text.
        first_line: The file's line that it begins in.
        values: What it says. `Any`: TOML values are of any of its types until they are checked.
    """

    name: str
    block: str
    first_line: int
    values: dict[str, Any] = field(repr=False)

    def check_keys(self) -> None:
        """Refuse unknown keys, a model without a project, and what is no text where one must be."""
        for key in self.values:
            if key not in _KEYS:
                self._fail(
                    key,
                    f"unknown key {key!r}",
                    did_you_mean(key, _KEYS) or f"Known keys: {', '.join(_KEYS)}.",
                )
        if "project" not in self.values:
            raise ValidationError(
                f"{self.name}:{self.first_line}: the model names no project",
                next_step='Add project = "my-llm-app" to its leading comment.',
            )
        for key in _TEXTS:
            value = self.values.get(key, "-")
            if not isinstance(value, str) or not value.strip():
                self._fail(key, f"{key} is {value!r}, not a name", "Write it in double quotes.")

    def kind(self) -> str | None:
        """Return the kind that it names."""
        kind: str | None = self.values.get("kind")
        if kind is not None and kind not in KINDS:
            self._fail(
                "kind",
                f"there is no kind {kind!r}",
                did_you_mean(kind, KINDS) or f"Kinds: {', '.join(KINDS)}.",
            )
        return kind

    def nulls(self) -> str | dict[str, str] | None:
        """Return what it says of NULLs."""
        given = self.values.get("nulls")
        if given is None:
            return None
        by_column = given if isinstance(given, dict) else {"nulls": given}
        for column, policy in by_column.items():
            if policy not in POLICIES:
                self._fail(
                    column,
                    f"{'nulls' if given is policy else f'nulls of {column!r}'} is {policy!r}",
                    did_you_mean(str(policy), POLICIES)
                    or 'Write "skip" (a NULL says nothing) or "write" (a null is stored), or a'
                    " table of them by column.",
                )
            if policy == "write" and self.values.get("kind") in {"eval", "annotation"}:
                self._fail(column, _UNKNOWN_NULL, "Leave it out.")
        return given if isinstance(given, str) else dict(by_column)

    def is_incremental(self) -> bool:
        """Return whether it is; refuse what only an incremental model has in another."""
        value = self.values.get("incremental", False)
        if not isinstance(value, bool):
            self._fail(
                "incremental", f"incremental is {value!r}", "Write true or false, without quotes."
            )
        for key in ("lookback", "start"):
            if key in self.values and not value:
                self._fail(key, f"{key} is for incremental models", "Add incremental = true.")
        return bool(value)

    def read(self, key: str, parse: Callable[[Any], Any]) -> Any:
        """Return what `parse` makes of a key's value, None without one; its errors get a line."""
        if key not in self.values:
            return None
        try:
            return parse(self.values[key])
        except ValidationError as exc:
            named = exc.message if exc.message.startswith(key) else f"{key}: {exc.message}"
            self._fail(key, named, exc.next_step)

    def _fail(self, key: str, message: str, next_step: str) -> NoReturn:
        line = _line_of(self.block, key, self.first_line)
        raise ValidationError(f"{self.name}:{line}: {message}", next_step=next_step)


def _moment(given: object) -> datetime:
    """Read a moment of TOML, or an ISO 8601 text; in UTC unless it says another zone."""
    try:
        value = datetime.fromisoformat(given) if isinstance(given, str) else given
    except ValueError:
        value = given
    if isinstance(value, date) and not isinstance(value, datetime):
        value = datetime.combine(value, time())
    if not isinstance(value, datetime):
        raise ValidationError(
            f"start is {given!r}, not a time", next_step="Write it like 2026-11-01T00:00:00Z."
        )
    return value if value.utcoffset() is not None else value.replace(tzinfo=UTC)


def _block(text: str, name: str) -> tuple[str, int]:
    opening = _OPENING.match(text)
    if opening is None:
        raise ValidationError(
            f"{name}:1: the model has no leading /* spanduck … */ comment", next_step=_EXAMPLE
        )
    first_line = text.count("\n", 0, opening.end()) + 1
    end = text.find("*/", opening.end())
    if end < 0:
        raise ValidationError(
            f"{name}:{first_line}: the comment that begins here has no end",
            next_step="End it with */ before the SELECT.",
        )
    return text[opening.end() : end], first_line


# `Any`: TOML values are of any of its types until they are checked.
def _toml(block: str, name: str, first_line: int) -> dict[str, Any]:
    try:
        return tomllib.loads(block)
    except tomllib.TOMLDecodeError as exc:
        place = _TOML_PLACE.search(str(exc))
        lines = int(place[1]) if place and place[1] else block.count("\n") + 1
        said = _TOML_PLACE.sub("", str(exc))
        raise ValidationError(
            f"{name}:{first_line + lines - 1}: the leading comment is no TOML: {said}",
            next_step='Write one key = "value" a line.',
        ) from exc


def _line_of(block: str, key: str, first_line: int) -> int:
    for offset, line in enumerate(block.split("\n")):
        if re.match(rf"""\s*\[?\s*["']?{re.escape(key)}["']?\s*[=.\]]""", line):
            return first_line + offset
    return first_line
