"""Temporary folders that go with whoever made them, however that ended.

A folder is locked as long as its process lives. A process that was killed could not remove its own,
so the next one does: a folder whose lock nobody holds is nobody's.
"""

from __future__ import annotations

import atexit
import contextlib
import os
import shutil
import stat
import tempfile
import threading
import time
from pathlib import Path
from typing import IO, Final

from spanduck._folder import try_lock

_LOCK: Final = "lock"
_UNLOCKED_AGE_S: Final = 86_400.0
"""A folder without a lock is being made now, or was never finished."""
_guard: Final = threading.Lock()
_held: dict[Path, IO[bytes]] = {}
_looked_for: set[tuple[str, str]] = set()


def private_folder(prefix: str) -> Path:
    """Make a temporary folder, readable by this user alone; `remove_folder` removes it.

    The first call of a process removes the folders of that prefix, of this user, whose processes
    are gone.

    Args:
        prefix: What its name begins with.
    """
    with _guard:
        place = (tempfile.gettempdir(), prefix)
        if place not in _looked_for:
            _looked_for.add(place)
            _remove_abandoned(*place)
        while True:
            folder = Path(tempfile.mkdtemp(prefix=prefix))
            file = _locked(folder)
            if file is not None:
                _held[folder] = file
                return folder


def remove_folder(folder: Path) -> None:
    """Remove a folder that `private_folder` made. Idempotent."""
    with _guard:
        file = _held.pop(folder, None)
    if file is not None:
        file.close()
    shutil.rmtree(folder, ignore_errors=True)


@atexit.register
def remove_all() -> None:
    """Remove every folder that is left. Call it where a process ends without its finalizers."""
    for folder in list(_held):
        remove_folder(folder)


def _locked(folder: Path) -> IO[bytes] | None:
    """Lock a new folder; None where somebody took it for an abandoned one in this very moment."""
    try:
        file = (folder / _LOCK).open("xb")
        if try_lock(file) and (folder / _LOCK).exists():
            return file
        file.close()
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    return None


def _remove_abandoned(where: str, prefix: str) -> None:
    for folder in Path(where).glob(f"{prefix}*"):
        # One that may not be looked into, or is gone by now, is not ours to remove.
        with contextlib.suppress(OSError):
            if _is_own(folder.lstat()):
                _remove_if_abandoned(folder)


def _is_own(found: os.stat_result) -> bool:
    is_own = os.name == "nt" or found.st_uid == os.getuid()
    return is_own and stat.S_ISDIR(found.st_mode)


def _remove_if_abandoned(folder: Path) -> None:
    try:
        file = (folder / _LOCK).open("r+b")
    except FileNotFoundError:
        if time.time() - folder.stat().st_mtime > _UNLOCKED_AGE_S:
            shutil.rmtree(folder, ignore_errors=True)
        return
    with file:
        is_abandoned = try_lock(file)
        if is_abandoned:
            # With the lock, so that nobody takes the folder for one that was just made.
            shutil.rmtree(folder, ignore_errors=True)
    if is_abandoned:
        # Windows keeps a file that is open.
        shutil.rmtree(folder, ignore_errors=True)
