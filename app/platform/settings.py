"""All settings, read from the environment (prefix `MEDTUNE_`) or a `.env` file, once, in main."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Self

from pydantic import Field, SecretStr, ValidationError
from pydantic_settings import SettingsConfigDict, SettingsError

from app.platform.errors import UnusableSettingsError
from app.platform.remote_settings import RemoteSettings

MIB = 2**20

_FIELD = re.compile(r'field "(\w+)"')


class Settings(RemoteSettings):
    """What a process of Medtune can be told; every field is documented in `.env.example`."""

    model_config = SettingsConfigDict(
        env_prefix="MEDTUNE_",
        env_file=".env",
        env_ignore_empty=True,
        extra="ignore",
        hide_input_in_errors=True,  # it may be a key
    )

    data_dir: Path = Field(
        default=Path("./data"),
        description="Folder of all state: database, job database, blobs, trained models.",
    )
    database_url: str | None = Field(
        default=None,
        description="SQLAlchemy URL of the database; unset: SQLite in the data folder. "
        "PostgreSQL: postgresql+psycopg://user:password@host/name",
    )
    worker_name: str | None = Field(
        default=None,
        pattern="^[A-Za-z0-9._-]{1,100}$",
        description="Name of this process among those that share a PostgreSQL, unlike all others; "
        "unset: made of host, process id and chance.",
    )
    heartbeat_seconds: float = Field(
        default=5, gt=0, description="How often a process that runs jobs says that it lives."
    )
    worker_lost_seconds: float = Field(
        default=30,
        gt=0,
        description="A process silent for so long is dead, and its jobs go to others.",
    )
    shutdown_seconds: float = Field(
        default=20,
        ge=0,
        description="How long running requests and job steps may go on after a signal to stop; "
        "what is not done by then is handed back.",
    )
    database_patience_seconds: float = Field(
        default=600, ge=0, description="How long a job waits for a database that does not answer."
    )
    blob_url: str | None = Field(
        default=None,
        description="Where blobs and trained models lie: s3://bucket/prefix, gs://bucket/prefix, "
        "az://container/prefix; unset: the data folder.",
    )
    blob_options: dict[str, SecretStr] = Field(
        default_factory=dict,
        description="Options of that store, as JSON, with the names of obstore: "
        '{"endpoint": "http://minio:9000", "access_key_id": "...", "secret_access_key": "..."}',
    )
    blob_cache_bytes: int = Field(
        default=20 * 1024 * MIB,
        gt=0,
        description="How much of that store is kept in the data folder for reading, in bytes.",
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
    max_batch_bytes: int = Field(
        default=32 * 1024 * MIB,
        gt=0,
        description="Largest upload of an extraction batch, in bytes.",
    )
    max_batch_documents: int = Field(
        default=10_000_000, gt=0, description="Most texts of an extraction batch."
    )
    shard_documents: int = Field(
        default=500,
        gt=0,
        le=10_000,
        description="How many texts of an extraction batch one job asks about.",
    )
    bulk_processes: int | None = Field(
        default=None,
        gt=0,
        description="How many processes of their own run local models over batches; unset: one "
        "for each core.",
    )
    loaded_models: int = Field(
        default=4, gt=0, description="How many tuned local models are kept in memory."
    )
    admin_key: SecretStr | None = Field(
        default=None,
        min_length=32,
        description="A key with scope admin in the workspace `default`, beside those of `medtune "
        "keys create`: for deployments that bring their secrets themselves. 32 characters or more.",
    )
    allowed_hosts: list[str] = Field(
        default_factory=list,
        description="Host names that requests may be sent to, as JSON; unset: with keys any, "
        'without keys those of this machine alone. ["medtune.example.org"]',
    )
    session_hours: float = Field(
        default=12, gt=0, le=24 * 30, description="How long a login to the console lasts, in hours."
    )
    requests_per_minute: int = Field(
        default=6000,
        gt=0,
        description="Most requests a minute of one key to one process; no limit without keys.",
    )
    max_unfinished_jobs: int = Field(
        default=1000, gt=0, description="Most jobs of a workspace that have not ended."
    )
    max_documents: int = Field(default=5_000_000, gt=0, description="Most documents of a dataset.")
    slow_client_seconds: float = Field(
        default=30,
        gt=0,
        description="Longest wait for a client that is to send the next piece of a request, or to "
        "take the next piece of an answer.",
    )
    store_text: bool = Field(
        default=True,
        description="Whether extraction batches keep texts unless they say so themselves; if not, "
        "hashes and offsets are all that is kept of them.",
    )
    keep_batches_days: float | None = Field(
        default=None,
        gt=0,
        description="Extraction batches are deleted so long after they have ended; unset: never.",
    )
    keep_evaluations_days: float | None = Field(
        default=None, gt=0, description="The same for evaluations."
    )
    keep_datasets_days: float | None = Field(
        default=None,
        gt=0,
        description="The same for datasets and training files from which no model was trained.",
    )
    keep_audit_days: float = Field(
        default=730, gt=0, description="How long the audit log is kept, in days."
    )
    encryption_keys: list[SecretStr] = Field(
        default_factory=list,
        description="Keys for encryption at rest, as JSON, each from `medtune encryption new-key`: "
        "the first one seals, all open. Unset: nothing is encrypted.",
    )
    plain_dir: Path | None = Field(
        default=None,
        description="Where plain copies of encrypted files lie while they are needed; unset: "
        "/dev/shm, which is memory.",
    )
    public_url: str | None = Field(
        default=None,
        description="Where people reach the console, for links in notifications: "
        "https://medtune.example.org",
    )
    notify_private: bool = Field(
        default=False,
        description="Whether notifications may go to private, loopback and link-local addresses.",
    )
    smtp_host: str | None = Field(
        default=None, description="Server that e-mail notifications are sent through; unset: none."
    )
    smtp_port: int = Field(default=587, gt=0, lt=65536, description="Its port.")
    smtp_security: str = Field(
        default="starttls",
        pattern="^(none|starttls|tls)$",
        description="How the connection is secured: starttls, tls from the start, or none.",
    )
    smtp_username: str | None = Field(default=None, description="Name to log in with, if it asks.")
    smtp_password: SecretStr | None = Field(default=None, description="Password that goes with it.")
    smtp_from: str = Field(
        default="medtune@localhost", description="Sender of e-mail notifications."
    )
    otlp_endpoint: str | None = Field(
        default=None,
        description="Where traces are sent, as OTLP over HTTP: http://collector:4318/v1/traces; "
        "unset: none are made. Needs `pip install medtune[telemetry]`.",
    )

    @classmethod
    def read(cls) -> Self:
        """Those of the environment and `.env`. Raises UnusableSettingsError, without any value."""
        try:
            return cls()
        except ValidationError as error:
            faults = [
                f"{_variable(str(fault['loc'][0]))}: {fault['msg']}"
                for fault in error.errors(include_input=False, include_context=False)
            ]
            raise UnusableSettingsError("; ".join(faults)) from None
        except SettingsError as error:
            named = _FIELD.search(str(error))
            name = _variable(named[1]) if named else "a setting"
            raise UnusableSettingsError(
                f'{name} is not valid JSON; a list is written ["a", "b"]'
            ) from None

    def __repr_args__(self) -> Iterator[tuple[None, str]]:
        """The names of those that are set: an address may have a password in it."""
        return ((None, name) for name in sorted(self.model_fields_set))

    @property
    def shared(self) -> bool:
        """Whether other processes may be at work on the same database."""
        return self.database_url is not None and not self.database_url.startswith("sqlite")

    @property
    def sqlalchemy_url(self) -> str:
        """The URL of the application's database."""
        return self.database_url or f"sqlite+aiosqlite:///{self.data_dir / 'medtune.db'}"

    @property
    def jobs_url(self) -> str:
        """The URL of the job engine's database, beside the application's own."""
        if self.shared and self.database_url:
            return self.database_url
        return f"sqlite:///{self.data_dir / 'jobs.db'}"


def _variable(field: str) -> str:
    return f"MEDTUNE_{field.upper()}"
