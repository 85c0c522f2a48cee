"""The program that an older SDK of the vendor's lives in: it makes the calls it is told to.

Run with that SDK's Python and a descriptor of a connection. Each message is a tuple: the number of a
client, the name of a method, and its arguments; `connect` makes the client. The answer is a tuple as
well: whether it went well, and what came of it.
"""

from __future__ import annotations

import enum
import sys
from multiprocessing.connection import Connection
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import requests
from arize import ArizeClient
from arize.spans.types import AnnotateRecordInput
from pydantic import BaseModel

if TYPE_CHECKING:
    from collections.abc import Mapping


def main() -> None:
    clients: dict[int, ArizeClient] = {}
    with Connection(int(sys.argv[1])) as connection:
        while True:
            try:
                number, method, arguments = connection.recv()
            except EOFError:
                return
            connection.send(answer(clients, number, method, arguments))


def answer(
    clients: dict[int, ArizeClient], number: int, method: str, arguments: Mapping[str, Any]
) -> tuple[bool, Any]:
    try:
        if method == "connect":
            clients[number] = ArizeClient(**arguments)
            return True, None
        if method == "close":
            del clients[number]
            return True, None
        return True, plain(getattr(clients[number].spans, method)(**typed(arguments)))
    except Exception as error:  # noqa: BLE001 - whatever it is, the test shall see it
        return False, described(error)


def typed(arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Return the arguments with records of annotations in this SDK's classes."""
    made = dict(arguments)
    if "annotations" in made:
        made["annotations"] = [AnnotateRecordInput.from_dict(each) for each in made["annotations"]]
    return made


def plain(value: Any) -> Any:
    """Return a result without this SDK's classes, which the other side has under the same names."""
    if isinstance(value, BaseModel):
        names = type(value).model_fields
        made = SimpleNamespace(**{name: plain(getattr(value, name)) for name in names})
        for method in ("to_dict", "to_df"):
            if hasattr(value, method):
                setattr(made, f"_{method}", getattr(value, method)())
        return made
    if isinstance(value, enum.Enum):
        return value.value
    if isinstance(value, list):
        return [plain(item) for item in value]
    if isinstance(value, requests.Response):
        return SimpleNamespace(status_code=value.status_code)
    return value


def described(error: Exception) -> dict[str, Any]:
    return {
        "classes": [each.__name__ for each in type(error).__mro__],
        "message": str(error),
        "status": getattr(error, "status", None) or getattr(error, "status_code", None),
    }


if __name__ == "__main__":
    main()
