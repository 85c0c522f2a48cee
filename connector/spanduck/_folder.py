"""A store's folder as several processes see it: who holds it, and where its server listens.

The server holds an exclusive OS lock on `lock` for its life, so it is gone whenever the server is,
however that ended. `server.json` is written once it answers. A file without a lock is stale.
"""

from __future__ import annotations

import contextlib
import json
import os
import sys
import time
from dataclasses import asdict, dataclass, fields
from typing import IO, TYPE_CHECKING, Final, Self

from spanduck.exceptions import StoreError, StoreLockedError

if TYPE_CHECKING:
    from pathlib import Path

_LOCK: Final = "lock"
_ADDRESS: Final = "server.json"
# Somebody who only looks whether the lock is free takes it for a moment.
_LOCK_PATIENCE_S: Final = 0.5
_LOCK_POLL_S: Final = 0.02


@dataclass(frozen=True)
class ServerAddress:
    """Where a server listens and how to be let in: the content of `server.json`."""

    rest_port: int
    flight_port: int
    host: str
    space_id: str
    space: str
    api_key: str
    pid: int
    version: str

    def __repr__(self) -> str:
        shown = (f"{f.name}={getattr(self, f.name)!r}" for f in fields(self) if f.name != "api_key")
        return f"ServerAddress({', '.join(shown)}, api_key='***')"


def make_folder(folder: Path) -> None:
    """Make the folder unless it is there.

    Raises:
        StoreError: Something else is there, or it may not be made.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as exc:
        is_taken = isinstance(exc, FileExistsError | NotADirectoryError)
        reason = "it is no folder" if is_taken else exc.strerror
        raise StoreError(
            f"the store cannot be in {folder}: {reason}",
            next_step="Choose another folder: the argument, SPANDUCK_HOME, or home in"
            " spanduck.toml.",
        ) from exc


class FolderLock:
    """An exclusive lock on a store's folder. A context manager; `release` is idempotent.

    Raises:
        StoreLockedError: Somebody else holds it.
        StoreError: It is no folder, and none can be made there.
    """

    def __init__(self, folder: Path, *, patience_s: float = _LOCK_PATIENCE_S) -> None:
        make_folder(folder)
        self._file: IO[bytes] | None = (folder / _LOCK).open("ab")
        deadline = time.monotonic() + patience_s
        while not try_lock(self._file):
            if time.monotonic() >= deadline:
                self._file.close()
                self._file = None
                raise StoreLockedError(
                    f"another server holds the store in {folder}",
                    next_step="Use that server, stop it, or choose another folder.",
                )
            time.sleep(_LOCK_POLL_S)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.release()

    def release(self) -> None:
        """Let go of the folder."""
        if self._file is not None:
            self._file.close()  # The lock ends with the open file.
            self._file = None


def is_locked(folder: Path) -> bool:
    """Tell whether a server holds the folder."""
    if not (folder / _LOCK).exists():
        return False
    try:
        FolderLock(folder, patience_s=0).release()
    except StoreLockedError:
        return True
    return False


def write_address(folder: Path, address: ServerAddress) -> None:
    """Write `server.json`, readable by its owner only, so that a reader sees all of it or none."""
    partial = folder / f"{_ADDRESS}.{os.getpid()}"
    descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        json.dump(asdict(address), file)
        file.flush()
        os.fsync(file.fileno())
    partial.replace(folder / _ADDRESS)


def read_address(folder: Path) -> ServerAddress | None:
    """Read `server.json`; None when there is none or it is not ours."""
    try:
        content = json.loads((folder / _ADDRESS).read_text("utf-8"))
        return ServerAddress(**{field.name: content[field.name] for field in fields(ServerAddress)})
    except (OSError, ValueError, KeyError, TypeError):
        return None


def remove_address(folder: Path) -> None:
    """Remove `server.json`, if there is one."""
    with contextlib.suppress(FileNotFoundError):
        (folder / _ADDRESS).unlink()


if sys.platform == "win32":
    import msvcrt

    def try_lock(file: IO[bytes]) -> bool:
        """Lock an open file until it is closed; false when somebody else has."""
        try:
            file.seek(0)
            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        return True

else:
    import fcntl

    def try_lock(file: IO[bytes]) -> bool:
        """Lock an open file until it is closed; false when somebody else has."""
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return False
        return True
