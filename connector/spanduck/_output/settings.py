"""The settings in force, with where each came from."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Final

import pyarrow as pa
from pydantic import SecretStr
from rich.text import Text

from spanduck._config import PREFIX_BY_GROUP
from spanduck._output.consoles import stderr, stdout
from spanduck._output.formats import TextFormat
from spanduck._output.tables import show_table

if TYPE_CHECKING:
    from collections.abc import Iterator

    from spanduck._config import Settings

_MASK: Final = "***"
_DEFAULT: Final = "default"


@dataclass(frozen=True)
class Setting:
    """One setting.

    Attributes:
        name: As an argument, and in `spanduck.toml`.
        value: As JSON holds it; None where it is not set. Secrets are masked.
        unit: Of the value; empty for none.
        source: `default`, `argument`, `environment NAME`, `embedded server`, or the file with its
            section.
        variable: The environment variable that sets it.
        help: What it is.
    """

    name: str
    # `Any`: text, number, truth value, or an object of texts.
    value: Any
    unit: str
    source: str
    variable: str
    help: str


def all_settings(settings: Settings) -> Iterator[Setting]:
    """Yield every setting, those of the service first."""
    for group in (settings.service, settings.local):
        for name, item in type(group).model_fields.items():
            extra = item.json_schema_extra
            unit = extra.get("unit") if isinstance(extra, dict) else None
            yield Setting(
                name=name,
                value=_shown(name, getattr(group, name)),
                unit=str(unit or ""),
                source=settings.sources.get(name, _DEFAULT),
                variable=f"{PREFIX_BY_GROUP[type(group)]}{name.upper()}",
                help=item.description or "",
            )


def tell_settings(settings: Settings, fmt: TextFormat) -> None:
    """Tell every setting on stdout, and what it comes to where a table is read."""
    told = list(all_settings(settings))
    addresses = {
        "rest_url": settings.service.rest_url,
        "flight_location": settings.service.flight_location,
    }
    if fmt is TextFormat.json:
        document = {"settings": [asdict(item) for item in told], **addresses}
        sys.stdout.write(json.dumps(document, indent=2, ensure_ascii=False) + "\n")
        return
    table = pa.table(
        {
            "setting": [item.name for item in told],
            "value": [_text(item) for item in told],
            "from": [item.source for item in told],
        }
    )
    show_table(stdout(), table.to_reader(), max_rows=len(table))
    notes = stderr()
    for name, address in addresses.items():
        notes.print(Text(f"{name}: {address}", style="dim"), soft_wrap=True)
    if settings.service.api_key is None:
        home = settings.local.home
        notes.print(
            Text(f"no api_key: commands use a local server on {home}", style="dim"), soft_wrap=True
        )


# `Any`: a value of a setting, of any of their types.
def _shown(name: str, value: Any) -> Any:
    if isinstance(value, SecretStr):
        return _MASK if value.get_secret_value() else ""
    if name == "proxy_url":
        credentials, at, host = value.rpartition("@")
        scheme, slashes, _ = credentials.rpartition("://")
        return f"{scheme}{slashes}{_MASK}@{host}" if at else value
    if name == "default_headers":
        return dict.fromkeys(value, _MASK)
    return value if value is None or isinstance(value, bool | int | float) else str(value)


def _text(item: Setting) -> str:
    value = item.value
    if value is None:
        return "(not set)"
    if isinstance(value, str):
        return value or "(empty)"
    if isinstance(value, bool | dict):
        return json.dumps(value)
    return f"{value:,.10g} {item.unit}".rstrip() if item.unit else str(value)
