from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa
import pytest

from spanduck._folder import FolderLock, is_locked
from spanduck.exceptions import StoreError, StoreLockedError
from spanduck.server import catalogue, migrations, projects
from spanduck.server.catalogue import Place, ProjectCatalogue, Role, StoredColumn, StoredTable
from spanduck.server.columns import apply_additions, plan_additions
from spanduck.server.errors import ConflictError, NotFoundError, RequestError
from spanduck.server.export import plan_export
from spanduck.server.kinds import Kind, incoming_kind
from spanduck.server.spool import IncomingColumn
from spanduck.server.store import Store

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import duckdb


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store.open(tmp_path) as opened:
        yield opened


def _space(store: Store) -> str:
    with store.reading() as cursor:
        return catalogue.spaces(cursor)[0].id


def test_a_project_is_created_once_a_space(store: Store) -> None:
    space = _space(store)
    with store.writing() as cursor:
        created = projects.create(cursor, space, "p")
    assert created.name == "p"
    with pytest.raises(ConflictError), store.writing() as cursor:
        projects.create(cursor, space, "p")
    for name in ("", " \t", "n" * 256):
        with pytest.raises(RequestError), store.writing() as cursor:
            projects.create(cursor, space, name)
    with store.reading() as cursor:
        assert [p.name for p in catalogue.projects(cursor)] == ["p"]
        assert catalogue.find_project(cursor, space, created.id) == created
        assert catalogue.project_by_id(cursor, created.id) == created
        with pytest.raises(NotFoundError):
            catalogue.project_by_id(cursor, "nobody")
        with pytest.raises(NotFoundError, match="Did you mean 'p'"):
            catalogue.find_project(cursor, space, "P")


def test_what_a_failed_transaction_wrote_is_gone(store: Store) -> None:
    space = _space(store)

    def fail() -> None:
        with store.writing() as cursor:
            projects.create(cursor, space, "p")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    with store.reading() as cursor:
        assert catalogue.projects(cursor) == []
    with store.writing() as cursor:
        projects.create(cursor, space, "p")


def test_a_reader_sees_one_moment(store: Store) -> None:
    space = _space(store)
    with store.reading() as cursor:
        assert catalogue.projects(cursor) == []
        with store.writing() as writer:
            projects.create(writer, space, "p")
        assert catalogue.projects(cursor) == []
    with store.reading() as cursor:
        assert len(catalogue.projects(cursor)) == 1


def test_a_store_is_migrated_from_every_older_version(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Store.open(tmp_path).close()

    def another(cursor: duckdb.DuckDBPyConnection) -> None:
        cursor.execute("ALTER TABLE spaces ADD COLUMN added INTEGER")

    version = migrations.VERSION
    monkeypatch.setattr(migrations, "_STEPS", (*migrations._STEPS, another))
    monkeypatch.setattr(migrations, "VERSION", version + 1)
    with Store.open(tmp_path) as store, store.reading() as cursor:
        assert cursor.execute("SELECT version FROM store_version").fetchall() == [(version + 1,)]
        assert cursor.execute("SELECT added FROM spaces").fetchall() == [(None,)]
    monkeypatch.setattr(migrations, "VERSION", version)
    with pytest.raises(StoreError, match=f"version {version + 1}, this program knows {version}"):
        Store.open(tmp_path)


def test_projects_of_an_older_store_get_tables_of_annotations(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(migrations, "_STEPS", migrations._STEPS[:2])
        patch.setattr(migrations, "VERSION", 2)
        with Store.open(tmp_path) as store, store.writing() as cursor:
            project = projects.create(cursor, catalogue.spaces(cursor)[0].id, "p")
            known = catalogue.load(cursor, project)
            for table in (known.annotations_table, known.notes_table):
                cursor.execute(f"DROP TABLE {table}")
            cursor.execute("DELETE FROM tables WHERE role IN ('annotations', 'notes')")
    with Store.open(tmp_path) as store, store.reading() as cursor:
        known = catalogue.load(cursor, project)
        for name in (known.annotations_table, known.notes_table):
            assert cursor.execute(f"SELECT count(*) FROM {name}").fetchall() == [(0,)]


def test_a_failed_migration_leaves_the_store_as_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Store.open(tmp_path).close()

    def broken(cursor: duckdb.DuckDBPyConnection) -> None:
        cursor.execute("ALTER TABLE spaces ADD COLUMN added INTEGER")
        cursor.execute("SELECT * FROM nothing")

    with monkeypatch.context() as patch:
        patch.setattr(migrations, "_STEPS", (*migrations._STEPS, broken))
        patch.setattr(migrations, "VERSION", migrations.VERSION + 1)
        with pytest.raises(StoreError, match=f"cannot be brought to version {migrations.VERSION}"):
            Store.open(tmp_path)
    with Store.open(tmp_path) as store, store.reading() as cursor:
        assert catalogue.spaces(cursor)[0].name == "default"


def _column(name: str, wire: pa.DataType, index: int = 0) -> IncomingColumn:
    return IncomingColumn(index, name, incoming_kind(pa.field(name, wire)))


def test_columns_dear_to_add_begin_a_further_table(store: Store) -> None:
    space = _space(store)
    incoming = [_column(f"attributes.{n}", pa.string(), n) for n in range(100)]
    with store.writing() as cursor:
        known = catalogue.load(cursor, projects.create(cursor, space, "p"))
        few = plan_additions(known, incoming, set(range(100)), 1_000)
        assert few.table is None
        many = plan_additions(known, incoming, set(range(100)), 1_000_000)
        assert many.table == StoredTable(Role.SPANS, 1, "spans_1_1")
        after = apply_additions(cursor, known, many)
        projects.next_generation(cursor, known.project)
        again = plan_additions(after, incoming, set(range(100)), 1_000_000)
        assert again.columns == ()
        cursor.execute(
            "INSERT INTO spans_1_0 BY NAME SELECT 'old' AS span_id, 0::BIGINT AS start_time"
        )
        cursor.execute(
            "INSERT INTO spans_1_1 BY NAME"
            " SELECT 'new' AS span_id, 1::BIGINT AS start_time, 'x' AS a11"
        )
    with store.reading() as cursor:
        record = catalogue.find_project(cursor, space, "p")
        loaded = store.catalogues.get(cursor, record)
        assert store.catalogues.get(cursor, record) is loaded
        plan = plan_export(loaded, ("context.span_id", "attributes.0"))
        assert plan_export(loaded, ("context.span_id", "attributes.0")) is plan
        rows = cursor.sql(plan.query.text).fetchall()
        assert {row[1:] for row in rows} == {("old", None), ("new", "x")}
        assert sum(cursor.execute(count).fetchall()[0][0] for count in plan.counts) == 2


def test_a_name_that_was_only_null_gets_its_kind_later(store: Store) -> None:
    space = _space(store)
    with store.writing() as cursor:
        known = catalogue.load(cursor, projects.create(cursor, space, "p"))
        first = [_column("attributes.a", pa.string()), _column("eval.Q.score", pa.float64(), 1)]
        known = apply_additions(cursor, known, plan_additions(known, first, set(), 0))
        kinds = [(c.kind, c.place) for c in known.columns[-2:]]
        assert kinds == [(None, Place.ATTRIBUTE), (None, Place.EVALUATION)]
        later = [_column("attributes.a", pa.int64()), _column("attributes.b", pa.bool_(), 1)]
        known = apply_additions(cursor, known, plan_additions(known, later, {0, 1}, 0))
    names = [c.logical for c in known.columns[-4:]]
    assert names == ["attributes.a", "eval.Q.score", "attributes.a", "attributes.b"]
    schema = plan_export(known).schema
    assert schema.names[-3:] == ["attributes.a", "attributes.b", "eval.Q.score"]
    assert schema.field("attributes.a").type == pa.int64()


def test_catalogues_are_told_apart_by_identity() -> None:
    record = catalogue.ProjectRecord(1, "id", "space", "p", catalogue.now(), 1, 0)
    column = StoredColumn("attributes.a", Kind.BOOL, Place.ATTRIBUTE, 0, "a11")
    one, two = (ProjectCatalogue(record, (), (column,)) for _ in range(2))
    assert one != two


def test_a_folder_is_locked_once(tmp_path: Path) -> None:
    with FolderLock(tmp_path) as lock:
        assert is_locked(tmp_path)
        with pytest.raises(StoreLockedError):
            FolderLock(tmp_path, patience_s=0)
        lock.release()
        lock.release()
        assert not is_locked(tmp_path)
