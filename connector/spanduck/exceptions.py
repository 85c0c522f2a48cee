"""Every error spanduck raises.

::

    spanduck.Error
    ├── ConfigError              a setting is missing, unknown or has an impossible value
    ├── FilterError              a text that is no valid span filter
    ├── ValidationError          data that must not be sent, or a result of an impossible shape
    ├── ServiceError             the service, or the way to it, failed
    │   ├── AuthenticationError    the key is missing, wrong, or not allowed to do this
    │   ├── NotFoundError          the service has no such thing, a span that is named for one
    │   │   └── UnknownProjectError  no such project or space (or it may not be read)
    │   ├── UnavailableError       nobody answers, or not now
    │   ├── IncompleteStreamError  an export ended before its last row
    │   ├── IncompleteDeleteError  some spans are deleted, and a further call failed
    │   ├── IncompleteUploadError  some spans are stored, and a further call failed
    │   ├── OutcomeUnknownError    the connection broke after data was sent: stored or not
    │   └── RejectedError          the service understood the request and refuses it
    ├── CancelledError           a scan or call was ended by `spanduck.cancel`, Ctrl-C, `close`
    ├── WriteBackError           some values of a write-back were not written
    ├── AlreadyAttachedError     `attach` with other settings, or over somebody else's function
    ├── StoreLockedError         another server holds the store's folder
    ├── StoreError               the store's folder cannot be read by this version
    ├── StateError               the state of write-backs cannot be used
    └── PortInUseError           another program listens on the port
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from spanduck_sql.errors import Error, FilterError, did_you_mean, near_matches

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

__all__ = [
    "AlreadyAttachedError",
    "AuthenticationError",
    "CancelledError",
    "ConfigError",
    "Error",
    "FilterError",
    "IncompleteDeleteError",
    "IncompleteStreamError",
    "IncompleteUploadError",
    "NotFoundError",
    "OutcomeUnknownError",
    "PortInUseError",
    "Problem",
    "RejectedError",
    "ServiceError",
    "StateError",
    "StoreError",
    "StoreLockedError",
    "UnavailableError",
    "UnknownProjectError",
    "ValidationError",
    "WriteBackError",
    "did_you_mean",
    "near_matches",
]


class ConfigError(Error):
    """A setting is missing, unknown or has an impossible value.

    Args:
        message: What is wrong.
        next_step: Where to set it.
        setting: The name of the setting.
        looked_in: Every place that was looked in, in order.
    """

    def __init__(
        self,
        message: str = "",
        *,
        next_step: str = "",
        setting: str | None = None,
        looked_in: Iterable[str] = (),
    ) -> None:
        super().__init__(message, next_step=next_step)
        self.setting = setting
        self.looked_in = tuple(looked_in)


class ValidationError(Error):
    """Data that must not be sent, or a result of an impossible shape; nothing was sent.

    Args:
        message: The first problem, in words.
        next_step: How to mend it.
        problems: Every problem found, the first among them.
        column: The column of the first problem.
        row_index: The first offending row, from 0.
    """

    def __init__(
        self,
        message: str = "",
        *,
        next_step: str = "",
        problems: Iterable[str] = (),
        column: str | None = None,
        row_index: int | None = None,
    ) -> None:
        super().__init__(message, next_step=next_step)
        self.problems = tuple(problems) or ((message,) if message else ())
        self.column = column
        self.row_index = row_index


@dataclass(frozen=True)
class Problem:
    """What the service says of a failure: the problem document (RFC 9457) of a REST error.

    Attributes:
        status: HTTP status; 0 when the document does not say.
        title: The kind of problem in a few words.
        detail: This problem: which field or token, and why.
        type: A URI of the kind of problem.
        instance: A URI of this problem.
        request_id: The service's name for the request.
        extras: Further members, such as `deleted_span_ids` of an unfinished delete.
    """

    status: int
    title: str = ""
    detail: str = ""
    type: str = ""
    instance: str = ""
    request_id: str = ""
    # `Any`: members of other people's documents.
    extras: Mapping[str, Any] = field(default_factory=dict, hash=False)

    @property
    def error_code(self) -> str:
        """The service's code for the problem; empty when it gave none."""
        code = self.extras.get("error_code", "")
        return code if isinstance(code, str) else str(code)


class ServiceError(Error):
    """The service, or the way to it, failed.

    Args:
        message: What failed, with the service's own words where it gave any.
        next_step: What to do next.
        status: HTTP status, or None where the failure came by Flight or without an answer.
        request_id: The service's name for the request, when it gave one.
        retryable: Whether the same call may be repeated as it is.
        retry_after_s: Seconds the service asked to wait before that.
        problem: The problem document of the answer; None where it had none.
    """

    def __init__(
        self,
        message: str = "",
        *,
        next_step: str = "",
        status: int | None = None,
        request_id: str | None = None,
        retryable: bool = False,
        retry_after_s: float | None = None,
        problem: Problem | None = None,
    ) -> None:
        super().__init__(message, next_step=next_step)
        self.status = status
        self.request_id = request_id
        self.retryable = retryable
        self.retry_after_s = retry_after_s
        self.problem = problem

    def _take_over(self, cause: ServiceError | None) -> None:
        if cause is not None:
            self.status, self.request_id = cause.status, cause.request_id
            self.retryable, self.retry_after_s = cause.retryable, cause.retry_after_s
            self.problem = cause.problem


class AuthenticationError(ServiceError):
    """The key is missing, wrong, or not allowed to do this."""


class NotFoundError(ServiceError):
    """The service has no such thing, a span that is named for one; nothing was written."""


class UnknownProjectError(NotFoundError):
    """No such project or space, or it may not be read."""


class UnavailableError(ServiceError):
    """Nobody answers at that address, or the service cannot answer now."""


class IncompleteStreamError(ServiceError):
    """An export ended before its last row.

    Args:
        message: What was expected and what came.
        next_step: What to do next.
        rows_received: Rows that had arrived.
        rows_expected: Rows that were announced, or None when unknown.
    """

    def __init__(
        self,
        message: str = "",
        *,
        next_step: str = "",
        rows_received: int | None = None,
        rows_expected: int | None = None,
    ) -> None:
        super().__init__(message, next_step=next_step, retryable=True)
        self.rows_received = rows_received
        self.rows_expected = rows_expected


class IncompleteDeleteError(ServiceError):
    """Some spans are deleted, and then a call failed; deleting all of them again does no harm.

    Args:
        message: What failed.
        next_step: What to do next.
        cause: The failure, whose status and other fields this error takes over.
        deleted_span_ids: Ids of spans that are gone.
        not_deleted_span_ids: The other ids of the call.
    """

    def __init__(
        self,
        message: str = "",
        *,
        next_step: str = "",
        cause: ServiceError | None = None,
        deleted_span_ids: Iterable[str] = (),
        not_deleted_span_ids: Iterable[str] = (),
    ) -> None:
        super().__init__(message, next_step=next_step)
        self._take_over(cause)
        self.deleted_span_ids = tuple(deleted_span_ids)
        self.not_deleted_span_ids = tuple(not_deleted_span_ids)


class IncompleteUploadError(ServiceError):
    """Some spans are stored, and then a call failed; uploading from there makes it whole.

    Uploading a span again replaces it, so where it is not known whether the failed call was stored
    its rows are uploaded again.

    Args:
        message: What failed.
        next_step: How to go on.
        cause: The failure, whose status and other fields this error takes over.
        rows_stored: Rows from the start of the data that are stored: the `skip_rows` to go on with.
        calls: Calls that were stored.
        failed_rows: Rows of the call that failed, which come next.
        advice: What to do about the failure before going on; empty where nothing is to be done.
        retryable: Whether going on now, as it is, may work.
    """

    def __init__(
        self,
        message: str = "",
        *,
        next_step: str = "",
        cause: ServiceError | None = None,
        rows_stored: int = 0,
        calls: int = 0,
        failed_rows: int = 0,
        advice: str = "",
        retryable: bool = False,
    ) -> None:
        super().__init__(message, next_step=next_step)
        self._take_over(cause)
        self.retryable = retryable or self.retryable
        self.rows_stored = rows_stored
        self.calls = calls
        self.failed_rows = failed_rows
        self.advice = advice


class OutcomeUnknownError(ServiceError):
    """The connection broke after data was sent: the service may or may not have stored it."""


class RejectedError(ServiceError):
    """The service understood the request and refuses it."""


class CancelledError(Error):
    """A scan or a call was ended: by `spanduck.cancel`, an interrupt, or closing what runs it."""


class WriteBackError(Error):
    """Some values of a write-back were not written; the others were.

    Args:
        message: How many, and of which kind.
        next_step: Where each is told with its reason.
        run_id: The run.
        invalid: Values we refused.
        rejected: Values the service refused, or whose way to it broke.
        unmatched: Values of spans that the project does not have.
    """

    def __init__(
        self,
        message: str = "",
        *,
        next_step: str = "",
        run_id: str | None = None,
        invalid: int = 0,
        rejected: int = 0,
        unmatched: int = 0,
    ) -> None:
        super().__init__(message, next_step=next_step)
        self.run_id = run_id
        self.invalid = invalid
        self.rejected = rejected
        self.unmatched = unmatched


class AlreadyAttachedError(Error):
    """`attach` again with other settings, or over a function that is not ours."""


class StoreLockedError(Error):
    """Another server holds the store's folder."""


class StoreError(Error):
    """The store's folder cannot be read or written by this version."""


class StateError(Error):
    """The state of write-backs cannot be used: it is held by another process, or too new."""


class PortInUseError(Error):
    """Another program listens on the port.

    Args:
        message: What failed.
        next_step: What to do next.
        port: The port.
    """

    def __init__(self, message: str = "", *, next_step: str = "", port: int | None = None) -> None:
        super().__init__(message, next_step=next_step)
        self.port = port
