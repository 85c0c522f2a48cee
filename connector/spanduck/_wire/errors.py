"""What is raised when bytes from the other side are not what the protocol says."""

from __future__ import annotations

from spanduck.exceptions import Error


class WireError(Error):
    """A message that cannot be decoded, or a value that the protocol cannot carry.

    Args:
        message: What failed.
        next_step: What to do next.
        what: The message or field at fault, such as `export command` or `start_time`.
    """

    def __init__(self, message: str = "", *, next_step: str = "", what: str = "") -> None:
        super().__init__(message, next_step=next_step)
        self.what = what
