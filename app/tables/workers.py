"""Processes that run jobs: whoever is not seen for a while is dead, and its jobs go to others."""

from datetime import datetime

from sqlalchemy.orm import Mapped, mapped_column

from app.tables.base import Table


class WorkerRow(Table):
    """One process; its id is the job engine's executor id, `seen_at` the database's own time.

    `steps_version` is that of the jobs it can take over.
    """

    __tablename__ = "workers"

    id: Mapped[str] = mapped_column(primary_key=True)
    queues: Mapped[list[str]]
    steps_version: Mapped[str]
    started_at: Mapped[datetime]
    seen_at: Mapped[datetime] = mapped_column(index=True)
