"""Annotation configs against a service that fails as told."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from tests.integration.client.calls import ID
from tests.integration.client.conftest import SPACE, Answer

from spanduck.exceptions import NotFoundError, OutcomeUnknownError, RejectedError
from spanduck.types import AnnotationConfig, FreeformAnnotationConfig

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.integration.client.conftest import ScriptedService

    from spanduck import SpansClient

    Connect = Callable[..., SpansClient]

CONFIG = {"id": ID, "name": "notes", "type": "FREEFORM", "space_id": SPACE}
NO_PAUSE = {"Retry-After": "0"}


def page(*configs: dict[str, Any], cursor: str | None = None) -> Answer:
    pagination = {"has_more": cursor is not None, "next_cursor": cursor}
    return Answer(body={"annotation_configs": list(configs), "pagination": pagination})


def test_a_delete_whose_answer_was_lost_is_repeated_and_done(
    scripted: ScriptedService, connect: Connect
) -> None:
    scripted.queued.append(Answer(502, headers=NO_PAUSE))
    scripted.answer = Answer(404)
    connect(scripted.port).annotation_configs.delete(annotation_config=ID)
    assert scripted.asked == [("DELETE", f"/v2/annotation-configs/{ID}")] * 2


def test_a_delete_of_what_is_not_there_is_not_found(
    scripted: ScriptedService, connect: Connect
) -> None:
    scripted.answer = Answer(404, {"status": 404, "detail": "there is none"})
    with pytest.raises(NotFoundError, match="there is none"):
        connect(scripted.port).annotation_configs.delete(annotation_config=ID)


def test_a_config_is_made_again_only_where_nothing_was_done(
    scripted: ScriptedService, connect: Connect
) -> None:
    configs = connect(scripted.port).annotation_configs
    scripted.queued.append(Answer(503, headers=NO_PAUSE))
    scripted.answer = Answer(201, CONFIG)
    assert configs.create_freeform(name="notes") == FreeformAnnotationConfig(
        ID, "notes", "FREEFORM", SPACE
    )
    assert len(scripted.asked) == 2
    scripted.queued.append(Answer(502, headers=NO_PAUSE))
    with pytest.raises(OutcomeUnknownError, match="making the annotation config 'notes'"):
        configs.create_freeform(name="notes")
    assert len(scripted.asked) == 3


def test_a_change_is_repeated(scripted: ScriptedService, connect: Connect) -> None:
    scripted.queued.append(Answer(502, headers=NO_PAUSE))
    scripted.answer = Answer(200, {**CONFIG, "name": "other"})
    configs = connect(scripted.port).annotation_configs
    assert configs.update_freeform(annotation_config=ID, name="other").name == "other"


def test_a_name_is_found_on_any_page(scripted: ScriptedService, connect: Connect) -> None:
    other = {**CONFIG, "id": "QW5vdGhlcjox", "name": "notes of others"}
    scripted.queued.extend([page(other, cursor="2"), page(CONFIG)])
    scripted.answer = Answer(200, CONFIG)
    got = connect(scripted.port).annotation_configs.get(annotation_config="notes")
    assert got.id == ID
    assert scripted.asked[-1] == ("GET", f"/v2/annotation-configs/{ID}")


def test_pages_that_go_round_in_a_circle_are_an_error(
    scripted: ScriptedService, connect: Connect
) -> None:
    scripted.answer = page(cursor="again")
    with pytest.raises(RejectedError, match="repeats the cursor"):
        connect(scripted.port).annotation_configs.get(annotation_config="notes")


def test_a_type_that_nobody_knows_yet_is_kept(scripted: ScriptedService, connect: Connect) -> None:
    scripted.answer = page({**CONFIG, "type": "RANKING", "ranks": [1]}, CONFIG)
    first, second = connect(scripted.port).annotation_configs.list()
    assert first == AnnotationConfig(ID, "notes", "RANKING", SPACE)
    assert isinstance(second, FreeformAnnotationConfig)
