"""What commands have in common that work on the database itself, whether a service runs or not."""

from collections.abc import Iterator
from contextlib import contextmanager

from app.commands.service import CommandError
from app.platform.database import AWAY, Database, away


@contextmanager
def database_errors() -> Iterator[None]:
    """Say in a sentence that the database is away. Raises CommandError; other faults as before."""
    try:
        yield
    except AWAY as error:
        away(error)
        raise CommandError(f"The database does not answer ({type(error).__name__}).") from None


async def check_schema(database: Database) -> None:
    """Raises CommandError for a schema that has to be migrated first."""
    if await database.is_behind():
        raise CommandError("The database has an older schema; run medtune migrate.")
