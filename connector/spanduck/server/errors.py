"""What the server refuses, told once and rendered for REST and for Flight."""

from __future__ import annotations

from typing import Final

from spanduck.exceptions import Error

_REFERENCE: Final = "https://arize.com/docs/ax/rest-reference/errors"


class RequestError(Error):
    """A call that is refused; nothing of it was stored.

    Args:
        message: What was wrong, naming the field and the value.
        next_step: What the caller can do.
        status: The HTTP status; Flight derives its own code from it.
    """

    status = 400
    title = "Bad Request"
    problem_type = f"{_REFERENCE}#invalid-request"


class UnauthenticatedError(RequestError):
    """No key, or a wrong one."""

    status = 401
    title = "Unauthorized"
    problem_type = ""


class NotFoundError(RequestError):
    """No such space, project, path or snapshot."""

    status = 404
    title = "Not Found"
    problem_type = ""


class ConflictError(RequestError):
    """A name that is taken."""

    status = 409
    title = "Conflict"
    problem_type = f"{_REFERENCE}#resource-conflict"


class UnprocessableError(RequestError):
    """A well-formed value that is out of its range."""

    status = 422
    title = "Unprocessable Entity"
    problem_type = f"{_REFERENCE}#validation-error"


class NotSupportedError(RequestError):
    """A part of the protocol that this server does not answer yet."""

    status = 501
    title = "Not Implemented"
    problem_type = ""
