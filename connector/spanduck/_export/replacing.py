"""A file that is there when it is complete, or not at all."""

from __future__ import annotations

import contextlib
import os
import tempfile
from pathlib import Path
from typing import IO, TYPE_CHECKING

from spanduck.exceptions import ConfigError

if TYPE_CHECKING:
    from collections.abc import Iterator


def check_target(path: Path) -> None:
    """Refuse a path that nothing can be written to, before anything is asked of the service.

    Raises:
        ConfigError: Its folder is not there, or it is a folder.
    """
    if not path.parent.is_dir():
        raise ConfigError(
            f"the folder {str(path.parent)!r} does not exist", next_step="Create it first."
        )
    if path.is_dir():
        raise ConfigError(f"{str(path)!r} is a folder", next_step="Name a file in it.")


@contextlib.contextmanager
def replacing(path: Path) -> Iterator[IO[bytes]]:
    """Write a file under a temporary name beside it, and give it its own when all went well.

    On an error the temporary file is removed and a file that was there before stays as it is. A
    device or a pipe, as `/dev/null`, is written to directly: it cannot be replaced.

    Raises:
        ConfigError: The file cannot be written.
    """
    check_target(path)
    if path.exists() and not path.is_file():
        with _opened(path) as stream:
            yield stream
        return
    # Not the link: that stays one.
    path = path.resolve()
    descriptor, name = _temporary(path)
    temporary = Path(name)
    try:
        with os.fdopen(descriptor, "wb") as stream:
            yield stream
            stream.flush()
            os.fsync(stream.fileno())
        temporary.replace(path)
    except BaseException:
        with contextlib.suppress(OSError):
            temporary.unlink()
        raise


def _opened(path: Path) -> IO[bytes]:
    try:
        return path.open("wb")
    except OSError as exc:
        raise ConfigError(f"cannot write to {str(path)!r}: {exc.strerror}") from exc


def _temporary(path: Path) -> tuple[int, str]:
    try:
        descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".tmp")
    except OSError as exc:
        raise ConfigError(f"cannot write to {str(path.parent)!r}: {exc.strerror}") from exc
    # A temporary file is private; the one it becomes has the permissions of any new file.
    mask = os.umask(0)
    os.umask(mask)
    os.fchmod(descriptor, 0o666 & ~mask)
    return descriptor, name
