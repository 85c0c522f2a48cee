"""`docs/client.md` shows what its examples print, and the limits and errors there are.

`SPANDUCK_UPDATE_DOCS=1 pytest tests/docs` writes all of them anew.
"""

from __future__ import annotations

import inspect
from itertools import groupby
from operator import attrgetter
from typing import TYPE_CHECKING

import pytest
from tests.docs.pages import DOCS, EXAMPLE, assert_up_to_date, table

import spanduck
from spanduck import exceptions
from spanduck._client.annotation_configs import AnnotationConfigs
from spanduck._upload.parts import PART_BYTES, PART_ROWS
from spanduck._upload.values.kinds import ANNOTATIONS, EVALUATIONS
from spanduck._upload.values.notes import NOTE_MAX_LENGTH
from spanduck._wire import (
    ANNOTATE_LIMIT,
    CONFIGS_LIMIT,
    DELETE_LIMIT,
    LIST_COLUMNS_LIMIT,
    LIST_LIMIT,
    SESSIONS_LIMIT,
    TRACES_LIMIT,
)
from spanduck._write.patches import MAX_CHARACTERS, MAX_DEPTH
from spanduck._write.rules import NAMES_PER_CALL
from spanduck_sql.schema import MAX_FUTURE_DAYS, MAX_PAST_DAYS, UPLOAD_COLUMNS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

PAGE = DOCS / "client.md"
# Those that a method of the client never raises.
OTHER_ERRORS = {
    exceptions.AlreadyAttachedError,
    exceptions.PortInUseError,
    exceptions.StateError,
    exceptions.StoreError,
    exceptions.StoreLockedError,
    exceptions.WriteBackError,
}
SCHEMA, STATED, OURS = "the service's schema", "the vendor's SDK", "spanduck"


def lengths() -> str:
    """How long the texts of a span may be, by the columns of each length."""
    limited = [column for column in UPLOAD_COLUMNS if column.max_length is not None]
    length = attrgetter("max_length", "min_length")
    said = []
    for (most, least), columns in groupby(sorted(limited, key=length), key=length):
        names = ", ".join(f"`{column.name.removeprefix('attributes.')}`" for column in columns)
        said.append(f"{f'{least} to ' if least else ''}{most:,}: {names}")
    return "; ".join(said)


def limits() -> str:
    page = f"{LIST_LIMIT} spans, {TRACES_LIMIT} traces or {CONFIGS_LIMIT} annotation configs"
    label = EVALUATIONS.fields["label"].max_length
    explanation = EVALUATIONS.fields["explanation"].max_length
    words = f"{label}: label, `updated_by`; {explanation:,}: explanation"
    assert explanation == ANNOTATIONS.fields["text"].max_length == NOTE_MAX_LENGTH
    assert label == ANNOTATIONS.fields["updated_by"].max_length
    return table(
        ["of", "limit", "source"],
        ["a page", f"{page}; {LIST_COLUMNS_LIMIT:,} names of columns", SCHEMA],
        [
            "`annotate`",
            f"{ANNOTATE_LIMIT:,} records of 31 days; {SESSIONS_LIMIT} sessions of 7 days",
            SCHEMA,
        ],
        ["a call of `delete`", f"{DELETE_LIMIT:,} ids; more are several calls", SCHEMA],
        ["an export", "batches of 5,000 rows; `sample_rate` from 0.000001 to 1", STATED],
        [
            "a call of `log`",
            f"{PART_ROWS:,} spans or {PART_BYTES // 10**6} MB; more are several calls",
            OURS,
        ],
        [
            "evaluations or annotations in long rows",
            f"{NAMES_PER_CALL} names a call; more are several calls",
            OURS,
        ],
        ["characters of a span", lengths(), STATED],
        ["times of a span", f"{MAX_PAST_DAYS:,} days ago to {MAX_FUTURE_DAYS} ahead", STATED],
        ["characters of what is said of it", f"{words}, text, a note as it travels", STATED],
        ["a patch of metadata", f"{MAX_CHARACTERS:,} characters, {MAX_DEPTH} levels", STATED],
    )


def errors() -> str:
    return table(["error", "says", "fields"], *error_rows(spanduck.Error, depth=0))


def error_rows(parent: type[spanduck.Error], *, depth: int) -> Iterator[list[str]]:
    shown = {getattr(exceptions, name) for name in exceptions.__all__ if name.endswith("Error")}
    order = [getattr(exceptions, name) for name in exceptions.__all__]
    children = [kind for kind in parent.__subclasses__() if kind in shown - OTHER_ERRORS]
    for kind in sorted(children, key=order.index):
        yield [f"{'— ' * depth}`{kind.__name__}`", first_sentence(kind), fields(kind, parent)]
        yield from error_rows(kind, depth=depth + 1)


def first_sentence(kind: type) -> str:
    return (inspect.getdoc(kind) or "").partition("\n\n")[0].replace("\n", " ").removesuffix(".")


def fields(kind: type[spanduck.Error], parent: type[spanduck.Error]) -> str:
    """The fields of an error that its parent has not."""
    names = [name for name in vars(kind()) if name not in vars(parent())]
    return ", ".join(f"`{name}`" for name in names)


TABLES: dict[str, Callable[[], str]] = {"limits": limits, "errors": errors}


@pytest.mark.usefixtures("server")
def test_the_page_shows_what_its_examples_print_and_the_tables() -> None:
    assert_up_to_date(PAGE, TABLES)


def public_methods(kind: type) -> set[str]:
    return {name for name in dir(kind) if not name.startswith("_")}


@pytest.mark.parametrize("name", sorted(public_methods(spanduck.SpansClient)))
def test_the_page_has_an_example_of_every_method(name: str) -> None:
    programs = "".join(found["program"] for found in EXAMPLE.finditer(PAGE.read_text("utf-8")))
    assert f"client.{name}" in programs


def test_the_page_names_every_method_of_annotation_configs() -> None:
    section = PAGE.read_text("utf-8").partition("## Annotation configs")[2].partition("\n## ")[0]
    methods = public_methods(AnnotationConfigs)
    kinds = {name.removeprefix("create_") for name in methods if name.startswith("create_")}
    assert methods == {
        *("list", "get", "delete"),
        *(f"{verb}_{kind}" for verb in ("create", "update") for kind in kinds),
    }
    assert [name for name in ("list", "get", "delete") if f"`{name}`" not in section] == []
    assert [kind for kind in kinds if f"`create_{kind}`" not in section] == []
