"""The span methods of the vendor's SDK 8.30, which runs in a process of its own.

Frames travel as pickles, other results without the SDK's classes, and its exceptions under the names
of `RAISED`.
"""

from __future__ import annotations

import os
import subprocess
from enum import Enum
from itertools import count
from multiprocessing import Pipe
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, Self

from tests.conformance.environments import environment

if TYPE_CHECKING:
    from collections.abc import Callable

    import pandas as pd

DRIVER = Path(__file__).with_name("old_sdk_driver.py")
STOP_LIMIT_S = 10


class OldSdkError(Exception):
    """Whatever the SDK raises.

    Attributes:
        status: The HTTP status, where there was one.
    """

    def __init__(self, message: str, status: int | None) -> None:
        super().__init__(message)
        self.status = status


class OldApiError(OldSdkError):
    """The service refused a call of REST."""


class OldUploadError(OldSdkError):
    """The service refused an upload."""


class OldAuthenticationError(OldSdkError):
    """The service refused the key of an upload."""


class OldValidationError(OldSdkError):
    """The SDK refused the rows before it sent them."""


# By the SDK's names, the more special ones first in each of its own chains.
RAISED: dict[str, Callable[[str, int | None], Exception]] = {
    "ApiException": OldApiError,
    "APIError": OldUploadError,
    "AuthenticationError": OldAuthenticationError,
    "ValidationFailure": OldValidationError,
    "TypeError": lambda message, _: TypeError(message),
    "ValueError": lambda message, _: ValueError(message),
    "RuntimeError": lambda message, _: RuntimeError(message),
}


class OldPage(SimpleNamespace):
    """A page of spans, and what the SDK makes of it."""

    # What those methods returned over there.
    _to_dict: dict[str, Any]
    _to_df: pd.DataFrame

    def to_dict(self) -> dict[str, Any]:
        return self._to_dict

    def to_df(self) -> pd.DataFrame:
        return self._to_df


class OldSdk:
    """The process; a context manager. One call at a time."""

    def __init__(self) -> None:
        python = environment("sdk-8.30") / "python"
        self._connection, theirs = Pipe()
        self._numbers = count()
        outside = ("ARIZE_", "SPANDUCK_", "COVERAGE_")
        self._process = subprocess.Popen(
            # -P: the modules of this folder are not for that Python.
            [python, "-P", DRIVER, str(theirs.fileno())],
            pass_fds=[theirs.fileno()],
            env={name: text for name, text in os.environ.items() if not name.startswith(outside)},
            # It logs there.
            stdout=subprocess.DEVNULL,
        )
        theirs.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._connection.close()
        try:
            self._process.wait(STOP_LIMIT_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def connect(self, **settings: Any) -> OldSpans:
        spans = OldSpans(self, next(self._numbers))
        spans.call("connect", settings)
        return spans

    # `Any`: whatever the methods take and return.
    def call(self, number: int, method: str, arguments: dict[str, Any]) -> Any:
        # The other SDK's enumerations are not these.
        sent = {
            name: value.value if isinstance(value, Enum) else value
            for name, value in arguments.items()
        }
        try:
            self._connection.send((number, method, sent))
            went_well, result = self._connection.recv()
        except (EOFError, OSError) as exc:
            raise OldSdkError("its process is gone; why is on its standard error", None) from exc
        if went_well:
            return result
        known = [name for name in result["classes"] if name in RAISED]
        make = RAISED[known[0]] if known else OldSdkError
        raise make(result["message"], result["status"])


class OldSpans:
    """The span methods of one client in that process, by their names there."""

    def __init__(self, sdk: OldSdk, number: int) -> None:
        self._sdk = sdk
        self._number = number

    def call(self, method: str, arguments: dict[str, Any]) -> Any:
        return self._sdk.call(self._number, method, arguments)

    def __getattr__(self, method: str) -> Callable[..., Any]:
        return lambda **arguments: self.call(method, arguments)

    def list(self, **arguments: Any) -> OldPage:
        return OldPage(**vars(self.call("list", arguments)))

    def close(self) -> None:
        self.call("close", {})
