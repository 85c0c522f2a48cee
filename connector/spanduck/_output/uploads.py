"""Spans of a file, uploaded; what came of it is told on stderr."""

from __future__ import annotations

import contextlib
import time
import warnings
from functools import partial
from typing import TYPE_CHECKING, Any

import pyarrow as pa
from rich.text import Text

from spanduck._output.consoles import say, stderr
from spanduck._output.interrupts import run_interruptibly
from spanduck._output.reports import count
from spanduck._upload.files import opened
from spanduck._upload.values.kinds import EVALUATIONS, SHORT_SPAN_ID
from spanduck._upload.values.long import LEVEL, NAME
from spanduck.exceptions import IncompleteUploadError, ValidationError
from spanduck_sql.schema import SPAN_ID, parse_evaluation_column

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from spanduck._output.ending import Ending
    from spanduck._output.formats import FileFormat
    from spanduck.client import SpansClient


# `Any`: the other arguments of `_log_file`.
def log_files(
    client: SpansClient,
    files: Sequence[tuple[Path, FileFormat]],
    *,
    ending: Ending,
    command: Callable[[Sequence[Path], int], str],
    skip_rows: int = 0,
    **arguments: Any,
) -> None:
    """Upload files, one after the other; the failure of one is told, and the next is sent.

    Args:
        client: Where to; closed at Ctrl-C.
        files: Files of spans, and what they are.
        ending: What failures are told to.
        command: The command that goes on with some of the files, after so many rows of the first.
        skip_rows: Rows of the first file that are stored already.
        **arguments: Those of `SpansClient.log`; `evaluations`, a file of evaluations of the spans,
            instead of those in the files themselves; and `evaluations_format`, what that is.
    """
    for at, (path, fmt) in enumerate(files):
        skipped = skip_rows if at == 0 else 0
        going_on = _telling_how_to_go_on(
            skipped,
            this=partial(command, [path]),
            rest=partial(command, [later for later, _ in files[at:]]),
        )
        with ending.going_on(), going_on as on_stored:
            work = partial(
                _log_file, client, path, fmt, skip_rows=skipped, on_stored=on_stored, **arguments
            )
            run_interruptibly(work, client.close)


# `Any`: the other arguments of `SpansClient.log`, under the same names.
def _log_file(
    client: SpansClient,
    path: Path,
    fmt: FileFormat,
    *,
    evaluations: Path | None = None,
    evaluations_format: FileFormat | None = None,
    **arguments: Any,
) -> None:
    """Upload one file and tell the counts, and what of it was not sent.

    Args:
        client: Where to.
        path: The file of spans.
        fmt: What it is.
        evaluations: A file of evaluations of these spans; else those of the file itself are sent.
        evaluations_format: What that is.
        **arguments: Those of `SpansClient.log`.

    Raises:
        ValidationError: With every problem found; nothing of the file was sent.
        ServiceError: A call failed.
    """
    began = time.monotonic()
    with contextlib.ExitStack() as stack:
        told = stack.enter_context(warnings.catch_warnings(record=True))
        warnings.simplefilter("always")
        source, source_format = evaluations or path, evaluations_format or fmt
        given = _evaluations(
            stack.enter_context(opened(source, str(source_format))), is_own=evaluations is not None
        )
        if evaluations is not None:
            _need_evaluations(given, evaluations)
        spans = _spans(stack.enter_context(opened(path, str(fmt))))
        try:
            response = client.log(dataframe=spans, evals_dataframe=given, **arguments)
        except ValidationError as exc:
            exc.args = (_of_file(exc.message, path, source),)
            raise
    console = stderr()
    for note in told:
        line = _of_file(str(note.message), path, source)
        console.print(Text(f"{path.name}: {line}", style="yellow"), soft_wrap=True)
    counts = [count(response.spans, "span")]
    if given is not None:
        counts.append(count(response.evaluations, "evaluation"))
    line = (
        f"{', '.join(counts)} sent in {count(response.calls, 'call')},"
        f" {response.size_bytes:,} bytes, {time.monotonic() - began:.2f} s"
    )
    console.print(Text.assemble((path.name, "bold"), f": {line}"), soft_wrap=True)


def _need_evaluations(given: pa.Table | None, path: Path) -> None:
    if given is None:
        raise ValidationError(
            f"{path.name} has no column of an evaluation",
            next_step="Name them eval.<name>.label, eval.<name>.score or eval.<name>.explanation;"
            " or give each evaluation a row with name and label, score or explanation.",
        )


@contextlib.contextmanager
def _telling_how_to_go_on(
    skipped: int, *, this: Callable[[int], str], rest: Callable[[int], str]
) -> Iterator[Callable[[int], object]]:
    """Name the command that goes on, when the upload of a file breaks off between two calls.

    Args:
        skipped: Rows of the file that were stored before.
        this: The command that goes on with this file, after as many rows.
        rest: The same, with the files that come after it, for an interrupt.

    Yields:
        What takes the number of rows that are stored.
    """
    stored = [skipped]
    try:
        yield stored.append
    except IncompleteUploadError as exc:
        stored_before = f"The {exc.rows_stored:,} rows before are stored."
        go_on = f"Go on with: {this(exc.rows_stored)}"
        exc.next_step = " ".join(filter(None, [stored_before, exc.advice, go_on]))
        raise
    except KeyboardInterrupt:
        if stored[-1]:
            say(f"the first {stored[-1]:,} rows are stored; go on with: {rest(stored[-1])}")
        raise


def _of_file(text: str, spans: Path, evaluations: Path) -> str:
    """Put the names of files where the client names its arguments."""
    return text.replace("evals_dataframe", evaluations.name).replace("dataframe", spans.name)


def _spans(reader: pa.RecordBatchReader) -> pa.RecordBatchReader:
    names = [name for name in reader.schema.names if parse_evaluation_column(name) is None]
    return _selected(reader, names)


def _evaluations(reader: pa.RecordBatchReader, *, is_own: bool) -> pa.Table | None:
    """Return what there is of evaluations; they are held in memory, so nothing else is."""
    given = reader.schema.names
    names = [name for name in given if parse_evaluation_column(name) is not None]
    # Beside spans a name is the name of the span.
    if not names and is_own and NAME in given:
        names = [name for name in given if name in (NAME, LEVEL, *EVALUATIONS.fields)]
    if not set(names) - {NAME, LEVEL}:
        return None
    ids = [name for name in given if name in (SPAN_ID, SHORT_SPAN_ID)]
    return _selected(reader, [*ids, *names]).read_all()


def _selected(reader: pa.RecordBatchReader, names: list[str]) -> pa.RecordBatchReader:
    schema = reader.schema
    if len(set(schema.names)) < len(schema) or len(names) == len(schema):
        # Names that repeat are refused, with words of their own, by whoever sends.
        return reader
    batches = (batch.select(names) for batch in reader)
    fields = [schema.field(name) for name in names]
    return pa.RecordBatchReader.from_batches(pa.schema(fields), batches)
