"""Model files: one SELECT, with TOML in a leading block comment."""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from spanduck.exceptions import ValidationError, did_you_mean

if TYPE_CHECKING:
    from pathlib import Path

KINDS: Final = ("eval", "annotation", "metadata")
_KEYS: Final = ("kind", "project", "space")
_OPENING: Final = re.compile(r"\s*/\*[ \t]*spanduck\b")
_TOML_PLACE: Final = re.compile(r"\s*\(at (?:line (\d+), column \d+|end of document)\)$")
_EXAMPLE: Final = 'Begin the file with: /* spanduck\\nkind = "eval"\\nproject = "my-llm-app"\\n*/'


@dataclass(frozen=True)
class Model:
    """A model file, read.

    Attributes:
        name: Where it came from, for messages.
        sql: The whole text, the comment included, so that positions in it are those of the file.
        kind: `eval`, `annotation` or `metadata`.
        project: Name or id of the project.
        space: Name or id of the space; None for the configured one.
    """

    name: str
    sql: str
    kind: str
    project: str
    space: str | None = None


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
    settings = _toml(block, name, first_line)
    for key in settings:
        if key not in _KEYS:
            raise ValidationError(
                f"{name}:{_line_of(block, key, first_line)}: unknown key {key!r}",
                next_step=did_you_mean(key, _KEYS) or f"Known keys: {', '.join(_KEYS)}.",
            )
    for key in ("kind", "project"):
        if key not in settings:
            raise ValidationError(
                f"{name}:{first_line}: the model names no {key}",
                next_step=f'Add {key} = "{"eval" if key == "kind" else "my-llm-app"}" to its '
                "leading comment.",
            )
    for key, value in settings.items():
        if not isinstance(value, str) or not value.strip():
            raise ValidationError(
                f"{name}:{_line_of(block, key, first_line)}: {key} is {value!r}, not a name",
                next_step="Write it in double quotes.",
            )
    if settings["kind"] not in KINDS:
        raise ValidationError(
            f"{name}:{_line_of(block, 'kind', first_line)}: there is no kind {settings['kind']!r}",
            next_step=did_you_mean(settings["kind"], KINDS) or f"Kinds: {', '.join(KINDS)}.",
        )
    return Model(name, text, settings["kind"], settings["project"], settings.get("space"))


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
        if re.match(rf"""\s*["']?{re.escape(key)}["']?\s*[=.\]]""", line.lstrip("[ \t")):
            return first_line + offset
    return first_line
