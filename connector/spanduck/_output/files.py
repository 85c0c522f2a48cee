"""Files that a user names."""

from __future__ import annotations


def reason(failure: OSError | UnicodeDecodeError) -> str:
    """Say why a file could not be read, without its name, which stands before it."""
    if isinstance(failure, OSError):
        return failure.strerror or str(failure)
    return f"it is not UTF-8 at byte {failure.start:,}"
