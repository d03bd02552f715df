"""Alembic's entry: run the migrations on the connection handed over, or on MEDTUNE_DATABASE_URL."""

import asyncio

from alembic import context
from sqlalchemy import Connection

from app.platform.database import Database
from app.platform.settings import Settings
from app.tables import Table


def run(connection: Connection) -> None:
    context.configure(
        connection=connection,
        target_metadata=Table.metadata,
        compare_type=True,
        render_as_batch=connection.dialect.name == "sqlite",
    )
    with context.begin_transaction():
        context.run_migrations()


async def main() -> None:
    database = Database(Settings().sqlalchemy_url)
    async with database.transaction(write=True) as session:
        await (await session.connection()).run_sync(run)
    await database.close()


handed_over = context.config.attributes.get("connection")
if handed_over is None:
    asyncio.run(main())
else:
    run(handed_over)
