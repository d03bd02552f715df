"""What tables share: naming of constraints, UTC times, JSON columns, whose the rows are."""

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import JSON, DateTime, Dialect, MetaData, TypeDecorator
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

WORKSPACE = "workspace"  # the execution option that says whose the rows of a transaction are


class UtcDateTime(TypeDecorator[datetime]):
    """A moment in UTC; aware on the Python side on every database (SQLite stores it naive)."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Refuse naive times, store UTC."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("naive datetime")
        value = value.astimezone(UTC)
        return value.replace(tzinfo=None) if dialect.name == "sqlite" else value

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Give back an aware UTC time."""
        if value is None or value.tzinfo is not None:
            return value and value.astimezone(UTC)
        return value.replace(tzinfo=UTC)


class Table(DeclarativeBase):
    """The base of all tables; constraint names are the same on every database."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map = {  # noqa: RUF012 - SQLAlchemy reads the plain class attribute
        datetime: UtcDateTime,
        dict[str, Any]: JSON,
        dict[str, int]: JSON,
        list[str]: JSON,
    }


def of_transaction(context: Any) -> str:
    """The workspace a row is made in. Raises KeyError if the transaction has none."""
    return str(context.execution_options[WORKSPACE])


class Owned:
    """What is somebody's: each row is of one workspace, and no other one sees it.

    The session filters by it, whatever is asked, and stamps what is added: repositories neither
    read nor write it.
    """

    workspace: Mapped[str] = mapped_column(default=of_transaction, server_default="default")
