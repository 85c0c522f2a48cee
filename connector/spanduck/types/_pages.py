"""Pages of lists."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Generic, TypeVar

from spanduck.types._plain import data_frame, json_text, plain

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pandas as pd


class Item:
    """What the items of all lists have; they are data classes."""

    def to_dict(self) -> dict[str, Any]:
        """Return the fields by name, nested ones as dictionaries and lists; times stay times."""
        named: dict[str, Any] = plain(self)
        return named

    def to_json(self) -> str:
        """Return the same as JSON text; times in ISO 8601."""
        return json_text(self.to_dict())


_ItemT = TypeVar("_ItemT", bound=Item)


@dataclass(frozen=True)
class PageInfo:
    """How to go on after a page.

    Attributes:
        has_more: Whether there is another page.
        next_cursor: The cursor of that page; None on the last one.
    """

    has_more: bool = False
    next_cursor: str | None = None


class Page(Generic[_ItemT]):
    """What the pages of all lists have; each names its list itself."""

    pagination: PageInfo

    _ITEMS: ClassVar[str]
    """The attribute that is the list."""

    def __iter__(self) -> Iterator[_ItemT]:
        return iter(self._items)

    def __len__(self) -> int:
        return len(self._items)

    def to_dict(self) -> dict[str, Any]:
        """Return the list by its name, and `pagination`; times stay times."""
        return {self._ITEMS: self.to_dicts(), "pagination": plain(self.pagination)}

    def to_dicts(self) -> list[dict[str, Any]]:
        """Return what the page lists as dictionaries; times stay times."""
        return [item.to_dict() for item in self._items]

    def to_json(self) -> str:
        """Return `to_dict()` as JSON text; times in ISO 8601."""
        return json_text(self.to_dict())

    def to_df(self, *, json_normalize: bool = False) -> pd.DataFrame:
        """Return a DataFrame with a row for each item.

        As the vendor's SDK makes it: nested objects are columns of dictionaries, lists of them
        columns of lists of dictionaries, and columns that are null in every row are left out. Of a
        page of spans, annotations become `annotation.<name>.score` and so on.

        Args:
            json_normalize: Make a column of each key of nested objects; lists stay lists.
        """
        return data_frame(self._rows(), json_normalize=json_normalize)

    def _rows(self) -> list[dict[str, Any]]:
        """Return what becomes the rows of a DataFrame."""
        return self.to_dicts()

    @property
    def _items(self) -> tuple[_ItemT, ...]:
        items: tuple[_ItemT, ...] = getattr(self, self._ITEMS)
        return items
