"""How a model is run."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from spanduck._write.rules import BATCH_ROWS
from spanduck._write_back.limits import parse_limit
from spanduck.exceptions import ValidationError, did_you_mean

if TYPE_CHECKING:
    from spanduck._write_back.limits import Limit

IN_FLIGHT: Final = 4
"""Calls that are under way at once, each held in memory: some 16 MB."""


class Against(StrEnum):
    """What the values of a model are compared with."""

    STATE = "state"
    """What the state says that the service accepted."""
    SERVICE = "service"
    """What the service holds now, which is read for it."""


@dataclass(frozen=True)
class RunOptions:
    """How a model is run; see `write_back`, whose arguments these are.

    Attributes:
        against: What values are compared with.
        full: Send values that have not changed too.
        only_failed: Send only values that an earlier run did not write.
        limit: Most values to send.
        max_invalid: More invalid values stop the run before it sends: a number or a share.
        max_rejected: More refused values stop it while it sends.
        batch_rows: Most rows of a record batch.
        in_flight: Most calls at once.
    """

    against: Against = Against.STATE
    full: bool = False
    only_failed: bool = False
    limit: int | None = None
    max_invalid: Limit | None = None
    max_rejected: Limit | None = None
    batch_rows: int = BATCH_ROWS
    in_flight: int = IN_FLIGHT

    @classmethod
    def checked(
        cls,
        *,
        against: str = Against.STATE,
        full: bool = False,
        only_failed: bool = False,
        limit: int | None = None,
        max_invalid: Limit | str | None = None,
        max_rejected: Limit | str | None = None,
        batch_rows: int = BATCH_ROWS,
        in_flight: int = IN_FLIGHT,
    ) -> RunOptions:
        """Return the options.

        Raises:
            ValidationError: One is impossible.
        """
        words = [str(word) for word in Against]
        if against not in words:
            raise ValidationError(
                f"against is {against!r}",
                next_step=did_you_mean(against, words) or f"Say {' or '.join(words)}.",
            )
        for name, number, least in (
            ("batch_rows", batch_rows, 1),
            ("in_flight", in_flight, 1),
            ("limit", limit, 0),
        ):
            if number is not None and number < least:
                raise ValidationError(f"{name} is {number}", next_step=f"Give at least {least}.")
        return cls(
            against=Against(against),
            full=full,
            only_failed=only_failed,
            limit=limit,
            max_invalid=None if max_invalid is None else parse_limit(max_invalid),
            max_rejected=None if max_rejected is None else parse_limit(max_rejected),
            batch_rows=min(batch_rows, BATCH_ROWS),
            in_flight=in_flight,
        )
