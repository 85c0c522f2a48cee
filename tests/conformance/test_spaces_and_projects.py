"""Spaces and projects over REST, as the vendor's SDK reads them."""

from __future__ import annotations

import base64
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest
from arize._generated.api_client import exceptions as rest
from arize.utils.resolve import NotFoundError
from tests.conformance.clients import vendor_client

if TYPE_CHECKING:
    from collections.abc import Callable

    import pandas as pd
    from tests.conformance.clients import Client

    from spanduck.embedded import EmbeddedServer

    # `Any`: every field of the SDK's generated models is declared as optional.
    Vendor = Any


def new_name(prefix: str = "project") -> str:
    return f"{prefix} {uuid4().hex[:12]}"


def test_the_space_is_listed_and_found_by_name_and_by_id(
    vendor: Vendor, server: EmbeddedServer
) -> None:
    listed = vendor.spaces.list()
    assert [(space.id, space.name) for space in listed.spaces] == [(server.space_id, server.space)]
    assert listed.pagination.has_more is False
    for given in (server.space, server.space_id):
        space = vendor.spaces.get(space=given)
        assert (space.id, space.name) == (server.space_id, server.space)
    assert b":" in base64.b64decode(server.space_id, validate=True)
    assert vendor.spaces.list(name="no such space").spaces == []


def test_a_created_project_is_found_by_name_and_by_id(
    vendor: Vendor, server: EmbeddedServer
) -> None:
    name = new_name("größe 🦆")
    made = vendor.projects.create(name=name, space=server.space)
    assert (made.name, made.space_id) == (name, server.space_id)
    assert b":" in base64.b64decode(made.id, validate=True)
    assert abs(datetime.now(UTC) - made.created_at) < timedelta(minutes=5)
    for project, space in ((made.id, None), (name, server.space), (name, server.space_id)):
        got = vendor.projects.get(project=project, space=space)
        assert (got.id, got.name, got.space_id, got.created_at) == (
            made.id,
            made.name,
            made.space_id,
            made.created_at,
        )


def test_the_first_upload_makes_the_project(
    client: Client, make_spans: Callable[..., pd.DataFrame]
) -> None:
    vendor = vendor_client(client.endpoint)
    with pytest.raises(NotFoundError):
        vendor.projects.get(project=client.project, space=client.space)
    client.log(make_spans(1))
    assert vendor.projects.get(project=client.project, space=client.space).name == client.project


def test_a_second_project_of_a_name_is_a_conflict(vendor: Vendor, server: EmbeddedServer) -> None:
    name = new_name()
    vendor.projects.create(name=name, space=server.space)
    with pytest.raises(rest.ConflictException) as caught:
        vendor.projects.create(name=name, space=server.space)
    assert name in str(caught.value.body)
    other_case = vendor.projects.create(name=name.upper(), space=server.space)
    assert other_case.name == name.upper()


def test_names_are_found_by_any_part_in_any_letter_case(
    vendor: Vendor, server: EmbeddedServer
) -> None:
    part = uuid4().hex[:12]
    names = [f"Alpha {part}", f"beta {part.upper()} x", f"gamma%_ {part}"]
    for name in names:
        vendor.projects.create(name=name, space=server.space)
    found = vendor.projects.list(name=part, space=server.space_id).projects
    assert sorted(project.name for project in found) == sorted(names)
    assert [p.name for p in vendor.projects.list(name=f"%_ {part}").projects] == [names[2]]
    # A name that is part of another one is still looked up exactly.
    longer = vendor.projects.create(name=f"{names[0]} longer", space=server.space)
    assert vendor.projects.get(project=names[0], space=server.space).name == names[0]
    assert vendor.projects.get(project=longer.name, space=server.space).id == longer.id


def test_projects_are_filtered_by_space(vendor: Vendor, server: EmbeddedServer) -> None:
    made = vendor.projects.create(name=new_name(), space=server.space)
    ids = [project.id for project in vendor.projects.list(name=made.name).projects]
    assert ids == [made.id]
    for space in (server.space, server.space_id, server.space.upper()):
        listed = vendor.projects.list(name=made.name, space=space).projects
        assert [project.id for project in listed] == [made.id]
    assert vendor.projects.list(space="no such space").projects == []


def test_pages_hold_every_project_once(vendor: Vendor, server: EmbeddedServer) -> None:
    part = uuid4().hex[:12]
    made = {vendor.projects.create(name=f"{part} {i}", space=server.space).id: i for i in range(7)}
    seen: list[str] = []
    cursor = None
    sizes = []
    while True:
        page = vendor.projects.list(name=part, limit=3, cursor=cursor)
        sizes.append(len(page.projects))
        seen += [project.id for project in page.projects]
        cursor = page.pagination.next_cursor
        assert page.pagination.has_more == (cursor is not None)
        if cursor is None:
            break
    assert sizes == [3, 3, 1]
    assert sorted(seen) == sorted(made)
    # Looking a name up walks the pages by itself.
    assert vendor.projects.get(project=f"{part} 6", space=server.space).name == f"{part} 6"


def test_a_full_last_page_has_no_cursor(vendor: Vendor, server: EmbeddedServer) -> None:
    part = uuid4().hex[:12]
    for i in range(4):
        vendor.projects.create(name=f"{part} {i}", space=server.space)
    first = vendor.projects.list(name=part, limit=2)
    second = vendor.projects.list(name=part, limit=2, cursor=first.pagination.next_cursor)
    assert (second.pagination.has_more, second.pagination.next_cursor) == (False, None)
    assert len({project.id for project in (*first.projects, *second.projects)}) == 4


def test_a_cursor_that_is_none_is_refused(vendor: Vendor) -> None:
    with pytest.raises((rest.BadRequestException, rest.UnprocessableEntityException)) as caught:
        vendor.projects.list(cursor="no cursor of ours")
    assert "cursor" in str(caught.value.body)


def test_an_unknown_project_is_not_found(vendor: Vendor, server: EmbeddedServer) -> None:
    with pytest.raises(NotFoundError):
        vendor.projects.get(project=new_name(), space=server.space)
    with pytest.raises(rest.NotFoundException) as caught:
        vendor.projects.get(project=base64.b64encode(b"Model:999999:none").decode())
    assert caught.value.status == 404
    assert caught.value.data is None or caught.value.data.status == 404


@pytest.mark.parametrize("name", ["", "   "])
def test_a_project_without_a_name_is_refused(
    vendor: Vendor, server: EmbeddedServer, name: str
) -> None:
    with pytest.raises((rest.BadRequestException, rest.UnprocessableEntityException)):
        vendor.projects.create(name=name, space=server.space)
