"""Values of these types as what JSON has, and as data frames."""

from __future__ import annotations

import json
from dataclasses import fields, is_dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd


# `Any`: the fields of any of these types.
def plain(value: Any) -> Any:
    """Return a value with objects as dictionaries and tuples as lists; times stay times."""
    if is_dataclass(value):
        return {item.name: plain(getattr(value, item.name)) for item in fields(value)}
    if isinstance(value, tuple):
        return [plain(item) for item in value]
    return value


def json_text(value: Any) -> str:
    """Return what `plain` returns as JSON text; times in ISO 8601."""
    return json.dumps(value, ensure_ascii=False, default=datetime.isoformat)


def data_frame(rows: Sequence[dict[str, Any]], *, json_normalize: bool) -> pd.DataFrame:
    """Return rows as a DataFrame of nullable types, without the columns that are null throughout.

    Args:
        rows: By column.
        json_normalize: Make a column of each key of nested objects.
    """
    import pandas as pd  # noqa: PLC0415 - slow to import, and only this needs it

    frame = pd.json_normalize(list(rows)) if json_normalize else pd.DataFrame(rows)
    return frame.dropna(axis="columns", how="all").convert_dtypes()
