"""Notes on spans, in the form that the vendor's SDK gives them: a list of one JSON text."""

from __future__ import annotations

import json
import secrets
from itertools import chain, repeat
from typing import TYPE_CHECKING, Final

import pyarrow as pa
import pyarrow.compute as pc

from spanduck._upload.values.kinds import UPDATED_BY

if TYPE_CHECKING:
    from spanduck._upload.problems import Problems

NOTES_TYPE: Final = pa.list_(pa.string())
NOTE_MAX_LENGTH: Final = 10_000
"""Most characters of a note with all that it is wrapped in, as the vendor's SDK counts."""

# The vendor's SDK counts the characters of a list of one text as Python writes it.
_LIST_CHARACTERS: Final = len("['']")


def wrapped_notes(texts: pa.Array, now_ms: int) -> pa.ListArray:
    """Wrap each note; a null stays null."""
    texts = texts.cast(pa.string())
    present = texts.drop_null()
    head = pa.scalar('{"text": ')
    tail = pa.scalar(f', "updated_by": "{UPDATED_BY}", "updated_at": {now_ms}}}')
    wrapped = pc.binary_join_element_wise(head, _quoted(present), tail, pa.scalar(""))
    lengths = pa.concat_arrays([pa.array([0]), pc.cumulative_sum(texts.is_valid().cast("int64"))])
    mask = texts.is_null() if texts.null_count else None
    return pa.ListArray.from_arrays(lengths.cast(pa.int32()), wrapped, mask=mask)


def check_notes(title: str, notes: pa.ListArray, first_row: int, problems: Problems) -> None:
    """Note those that are too long once they are wrapped."""
    if notes.null_count == len(notes):
        return
    texts = pc.list_element(notes, 0)
    length = pc.utf8_length(texts)
    for twice in ("\\", "'"):
        length = pc.add(length, pc.count_substring(texts, twice))
    problems.add_rows(
        title,
        f"longer than {NOTE_MAX_LENGTH:,} characters as it is written",
        pc.greater(pc.add(length, _LIST_CHARACTERS), NOTE_MAX_LENGTH),
        texts,
        first_row=first_row,
        next_step="Shorten it.",
    )


def _quoted(texts: pa.Array) -> pa.Array:
    """Return texts as JSON, with ASCII escapes."""
    if not len(texts):
        return texts
    # One call writes all of them. The text between two cannot occur in one by chance, which makes
    # it safe to split by it.
    token = secrets.token_hex(16)
    pairs = list(chain.from_iterable(zip(texts.to_pylist(), repeat(token), strict=False)))
    written = json.dumps(pairs)[1 : -len(f', "{token}"]')]
    return pa.array(written.split(f', "{token}", '), pa.string())
