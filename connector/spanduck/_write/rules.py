"""What a value must be before it is sent, and the words its outcome is told in.

The limits are the vendor SDK's own (release 8.61.0); the service's are not published.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final

BATCH_ROWS: Final = 10_000
"""Most rows of a record batch that is sent; the vendor's clients cut there."""
BATCH_BYTES: Final = 8 << 20
"""Where a record batch is cut before it has that many rows; the service takes up to 256 MiB."""
CALL_ROWS: Final = 100_000
CALL_BYTES: Final = 16 << 20
"""Most of one call, which is held in memory until its outcome is known."""
NAMES_PER_CALL: Final = 32
"""Most evaluations of one call: each is three columns, mostly null where names share few spans."""


class Status(StrEnum):
    """What became of a value."""

    ACCEPTED = "accepted"
    UNCHANGED = "unchanged"
    """The service has it already; not sent."""
    INVALID = "invalid"
    """Refused here; never sent."""
    DUPLICATE = "duplicate"
    """Equal to a value of an earlier row, which stands for both."""
    REJECTED = "rejected"
    """Refused by the service, or lost on the way to it."""
    UNMATCHED = "unmatched"
    """The service has no such span."""


class ErrorCode(StrEnum):
    """Why a value was not accepted."""

    MISSING_SPAN_ID = "missing_span_id"
    SPAN_ID_NOT_TEXT = "span_id_not_text"
    MISSING_NAME = "missing_name"
    NAME_NOT_TEXT = "name_not_text"
    NAME_NOT_SENDABLE = "name_not_sendable"
    UNKNOWN_LEVEL = "unknown_level"
    LABEL_NOT_TEXT = "label_not_text"
    LABEL_EMPTY = "label_empty"
    LABEL_TOO_LONG = "label_too_long"
    SCORE_NOT_A_NUMBER = "score_not_a_number"
    SCORE_NOT_FINITE = "score_not_finite"
    EXPLANATION_NOT_TEXT = "explanation_not_text"
    EXPLANATION_TOO_LONG = "explanation_too_long"
    EXPLANATION_ALONE = "explanation_alone"
    TEXT_NOT_TEXT = "text_not_text"
    TEXT_EMPTY = "text_empty"
    TEXT_TOO_LONG = "text_too_long"
    SCORE_OUT_OF_RANGE = "score_out_of_range"
    """The annotation config of that name takes other scores."""
    LABEL_NOT_IN_CONFIG = "label_not_in_config"
    """The annotation config of that name has other labels."""
    NOT_JSON = "not_json"
    VALUE_NOT_FINITE = "value_not_finite"
    NOT_AN_OBJECT = "not_an_object"
    EMPTY_PATCH = "empty_patch"
    PATCH_TOO_LONG = "patch_too_long"
    PATCH_TOO_DEEP = "patch_too_deep"
    AMBIGUOUS_KEY = "ambiguous_key"
    """Several spans have the key that the row names one by."""
    UNKNOWN_KEY = "unknown_key"
    CONFLICTING_DUPLICATE = "conflicting_duplicate"
    EQUAL_DUPLICATE = "equal_duplicate"
    UNKNOWN_SPAN = "unknown_span"
    REFUSED = "refused"
    """The service refused the call this value was in; its words are the reason."""
    OUTCOME_UNKNOWN = "outcome_unknown"
    """The connection broke after the value was sent; the service may have stored it."""
    NOT_SENT = "not_sent"
    """The service could not be reached any more, or the run was stopped before."""
    NOT_ARRIVED = "not_arrived"
    """Sent without an answer, and not at the service when it was looked for later."""
