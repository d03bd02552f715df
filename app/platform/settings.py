"""All settings, read from the environment (prefix `MEDTUNE_`) or a `.env` file, once, in main."""

from pathlib import Path

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

MIB = 2**20


class Settings(BaseSettings):
    """What a process of Medtune can be told; every field is documented in `.env.example`."""

    model_config = SettingsConfigDict(env_prefix="MEDTUNE_", env_file=".env", extra="ignore")

    data_dir: Path = Field(
        default=Path("./data"),
        description="Folder of all state: database, job database, blobs, trained models.",
    )
    database_url: str | None = Field(
        default=None,
        description="SQLAlchemy URL of the database; unset: SQLite in the data folder. "
        "PostgreSQL: postgresql+psycopg://user:password@host/name",
    )
    log_level: str = Field(
        default="INFO",
        pattern="^(DEBUG|INFO|WARNING|ERROR)$",
        description="Least severe log line to write: DEBUG, INFO, WARNING or ERROR.",
    )
    max_upload_bytes: int = Field(
        default=2048 * MIB, gt=0, description="Largest body of a dataset upload, in bytes."
    )
    max_body_bytes: int = Field(
        default=8 * MIB, gt=0, description="Largest body of every other request, in bytes."
    )
    max_unpacked_bytes: int = Field(
        default=8192 * MIB, gt=0, description="Largest size of an unpacked archive, in bytes."
    )
    max_unpack_ratio: int = Field(
        default=50, gt=1, description="Largest ratio of unpacked to packed size, beyond 16 MiB."
    )
    max_text_characters: int = Field(
        default=200_000, gt=0, description="Longest text to extract from, in code points."
    )
    loaded_models: int = Field(
        default=4, gt=0, description="How many tuned local models are kept in memory."
    )

    @property
    def sqlalchemy_url(self) -> str:
        """The URL of the application's database."""
        return self.database_url or f"sqlite+aiosqlite:///{self.data_dir / 'medtune.db'}"

    @property
    def jobs_url(self) -> str:
        """The URL of the job engine's database, beside the application's own."""
        if self.database_url and not self.database_url.startswith("sqlite"):
            return self.database_url
        return f"sqlite:///{self.data_dir / 'jobs.db'}"
