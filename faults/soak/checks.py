"""What holds after a soak, whatever its clients did: looked for in the databases and the stores."""

import itertools
from collections.abc import Iterator, Sequence

from sqlalchemy import Connection, create_engine, text

from app.tables import Table
from faults.fleet import Fleet, until
from faults.leftovers import found
from faults.soak.states import broken_ways
from faults.soak.world import BASE, World

# Every job has ended by then, once nobody asks for more.
END_SECONDS = 120.0
_ROOMS = {
    "datasets": "datasets",
    "training_files": "training-files",
    "vocabularies": "vocabularies",
    "fine_tunes": "fine-tunes",
    "evaluations": "evaluations",
    "extraction_batches": "extraction-batches",
}
_EVENTS = {
    "fine_tune_events": ("fine_tune_id", "fine_tunes"),
    "extraction_batch_events": ("batch_id", "extraction_batches"),
}
# What no foreign key says: rows that name something that has to be there.
_NAMED = {
    "aliases of models that are gone": f"""
        SELECT name FROM model_aliases WHERE model <> '{BASE}' AND model NOT IN
        (SELECT id FROM models WHERE models.workspace = model_aliases.workspace)""",
    "models whose fine-tune names another": """
        SELECT models.id FROM models JOIN fine_tunes ON fine_tunes.id = fine_tune_id
        WHERE model_id IS NULL OR model_id <> models.id OR status <> 'succeeded'""",
    "fine-tunes of evaluation files that are gone": """
        SELECT id FROM fine_tunes WHERE evaluation_file_id IS NOT NULL
        AND evaluation_file_id NOT IN (SELECT id FROM training_files)""",
    "datasets in which something is missing": """
        SELECT id FROM datasets WHERE status = 'ready' AND id NOT IN
        (SELECT dataset_id FROM dataset_splits)""",
    "progress that did not come to its end": """
        SELECT id FROM datasets WHERE status = 'ready' AND progress < 1 UNION ALL
        SELECT id FROM training_files WHERE status = 'ready' AND progress < 1 UNION ALL
        SELECT id FROM vocabularies WHERE status = 'ready' AND progress < 1 UNION ALL
        SELECT id FROM fine_tunes WHERE status = 'succeeded' AND progress < 1 UNION ALL
        SELECT id FROM evaluations WHERE status = 'succeeded' AND progress < 1""",
    "batches that count otherwise than their shards": """
        SELECT extraction_batches.id FROM extraction_batches JOIN extraction_shards
        ON batch_id = extraction_batches.id
        GROUP BY extraction_batches.id, extraction_batches.succeeded, extraction_batches.failed
        HAVING sum(extraction_shards.succeeded) <> extraction_batches.succeeded
        OR sum(extraction_shards.failed) <> extraction_batches.failed""",
    "batches that have succeeded without an answer for each text": """
        SELECT id FROM extraction_batches WHERE status = 'succeeded'
        AND succeeded + failed <> documents""",
    "shards that run although their batch has ended": """
        SELECT extraction_shards.id FROM extraction_shards JOIN extraction_batches
        ON batch_id = extraction_batches.id WHERE extraction_batches.finished_at IS NOT NULL
        AND extraction_shards.status NOT IN ('done', 'cancelled')""",
}


def faults_after(fleet: Fleet, worlds: Sequence[World]) -> Iterator[str]:
    """What is wrong, in words. Nobody asks the fleet for anything any more."""
    url = fleet.database_url or f"sqlite:///{fleet.data / 'medtune.db'}"
    engine = create_engine(url)

    def ended() -> bool:
        with engine.connect() as connection:
            return not any(_unfinished(connection).values())

    try:
        until(ended, END_SECONDS, "jobs")
    except TimeoutError:
        with engine.connect() as connection:
            yield f"not ended after {END_SECONDS:.0f} s: {_unfinished(connection)}"
    with engine.connect() as connection:
        yield from _references(connection)
        yield from _events(connection)
        yield from _created(connection, worlds)
        yield from _blobs(connection, fleet)
        if fleet.server is not None:
            query = "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()"
            if deadlocks := connection.scalar(text(query)):
                yield f"deadlocks: {deadlocks}"
    engine.dispose()
    if left := {name: count for name, count in found(fleet, "--dry-run").items() if count}:
        yield f"no row knows of: {left}"
    yield from _logged(fleet)


def _unfinished(connection: Connection) -> dict[str, int]:
    query = "SELECT count(*) FROM {} WHERE finished_at IS NULL"
    return {table: connection.scalar(text(query.format(table))) or 0 for table in _ROOMS}


def _references(connection: Connection) -> Iterator[str]:
    """Each row's parent is there, and of the same workspace."""
    for table in Table.metadata.tables.values():
        for key in table.foreign_keys:
            parent, column = key.column.table, key.parent.name
            owned = "workspace" in table.c and "workspace" in parent.c
            other = "OR parent.workspace <> child.workspace" if owned else ""
            query = f"""SELECT count(*) FROM {table.name} child LEFT JOIN {parent.name} parent
                ON parent.{key.column.name} = child.{column} WHERE child.{column} IS NOT NULL
                AND (parent.{key.column.name} IS NULL {other})"""
            if count := connection.scalar(text(query)):
                yield f"{table.name}.{column} refers to what is gone or another's: {count}"
    for what, query in _NAMED.items():
        if rows := connection.scalars(text(query)).all():
            yield f"{what}: {len(rows)}, such as {rows[0]}"
    vocabularies = {*connection.scalars(text("SELECT id FROM vocabularies"))}
    rows_of = connection.execute(Table.metadata.tables["fine_tunes"].select())
    for row in rows_of:
        if gone := {*(row.vocabularies or ())} - vocabularies:
            yield f"{row.id} names vocabularies that are gone: {gone}"


def _events(connection: Connection) -> Iterator[str]:
    """Each history counts from 1, goes along the ways there are, and ends where its row is."""
    for events, (owner, table) in _EVENTS.items():
        rows = connection.execute(text(f"SELECT id, status FROM {table}"))
        statuses: dict[str, str] = {row.id: row.status for row in rows}
        query = f"SELECT {owner}, sequence, type FROM {events} ORDER BY 1, 2"
        grouped = itertools.groupby(connection.execute(text(query)), lambda row: str(row[0]))
        for row_id, history in grouped:
            numbers, types = zip(*((row[1], row[2]) for row in history), strict=True)
            if [*numbers] != [*range(1, len(numbers) + 1)]:
                yield f"{row_id}: events are numbered {numbers}"
            if broken := broken_ways(_ROOMS[table], [*types]):
                yield f"{row_id}: {broken}"
            if types[-1] != statuses.pop(row_id):
                yield f"{row_id}: the last event is {types[-1]}"
        if statuses:
            yield f"{table} without events: {len(statuses)}"


def _created(connection: Connection, worlds: Sequence[World]) -> Iterator[str]:
    """As many things were ever made as clients were told of: none behind their backs."""
    query = text(
        "SELECT subject_id FROM audit_events WHERE action = 'created' AND kind = :kind"
        " AND workspace = :workspace"
    )
    for world, (table, room) in itertools.product(worlds, _ROOMS.items()):
        asked = {"kind": table, "workspace": world.name}
        created = connection.scalars(query, asked).all()
        told = world.made.get(room, set())
        if len(created) != len({*created}) or {*created} != told:
            yield f"{world.name}: {len(created)} {room} were made, clients know of {len(told)}"


def _blobs(connection: Connection, fleet: Fleet) -> Iterator[str]:
    """What a row says is in the store is there.

    Uploads are gone once they have been read, and so is what was never asked about.
    """
    for table in Table.metadata.tables.values():
        if table.name == "dataset_files":
            continue
        wanted = "WHERE status <> 'cancelled'" if table.name == "extraction_shards" else ""
        for column in (name for name in table.c.keys() if name.endswith("blob")):  # noqa: SIM118
            keys = connection.scalars(text(f"SELECT {column} FROM {table.name} {wanted}")).all()
            missing = [key for key in keys if key and not (fleet.data / "blobs" / key).is_file()]
            if missing:
                yield f"{table.name}.{column}: {len(missing)} are missing, such as {missing[0]}"


def _logged(fleet: Fleet) -> Iterator[str]:
    """Errors that were none of a client's."""
    for process in fleet.processes.values():
        lines = process.log.read_text(errors="replace").splitlines()
        errors = [line for line in lines if '"level": "error"' in line or "Traceback" in line]
        if errors:
            yield f"{process.name} logged {len(errors)} errors, the first: {errors[0][:500]}"
