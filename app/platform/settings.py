"""All settings, read from the environment (prefix `MEDTUNE_`) or a `.env` file, once, in main."""

from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, SecretStr, StringConstraints, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

MIB = 2**20


ServerName = Annotated[str, StringConstraints(pattern="^[a-z0-9][a-z0-9-]{0,30}$")]


class RemoteServer(BaseModel):
    """Where a server is (None: its vendor's public one), and the key it wants, if any."""

    model_config = ConfigDict(extra="forbid")

    base_url: str | None = None
    api_key: SecretStr | None = None
    calls_per_minute: int | None = Field(default=None, gt=0)

    @property
    def configured(self) -> bool:
        """Whether there is anything to go by; a private server may want no key."""
        return bool(self.base_url or (self.api_key and self.api_key.get_secret_value()))


class Settings(BaseSettings):
    """What a process of Medtune can be told; every field is documented in `.env.example`."""

    model_config = SettingsConfigDict(
        env_prefix="MEDTUNE_", env_file=".env", env_ignore_empty=True, extra="ignore"
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
    keep_audit_days: float = Field(
        default=730, gt=0, description="How long the audit log is kept, in days."
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

    cohere_api_key: SecretStr | None = Field(
        default=None,
        description="Key of the Cohere server behind the backend `cohere`. Texts are sent to it "
        "only when a model of this backend is asked for.",
    )
    cohere_base_url: str | None = Field(
        default=None,
        description="Address of that server; unset: Cohere's own. Private deployments, Model "
        "Vaults and other Medtunes (http://host:8000/cohere) speak the same protocol.",
    )
    cohere_servers: dict[ServerName, RemoteServer] = Field(
        default_factory=dict,
        description="More Cohere servers, as JSON; each is a backend `cohere-<name>`: "
        '{"vault": {"base_url": "https://...", "api_key": "..."}}',
    )
    cohere_finetune_url: str | None = Field(
        default=None,
        description="Address of a self-hosted cohere-finetune container, the backend "
        "`cohere-finetune`: http://host:5000",
    )
    cohere_finetune_dir: Path | None = Field(
        default=None,
        description="The folder shared with that container, as this process sees it (the "
        "container's PATH_PREFIX).",
    )
    cohere_finetune_hours: float = Field(
        default=24, gt=0, description="Longest a training there may take before it counts as stuck."
    )
    cohere_finetune_served_by: str = Field(
        default="openai",
        description="Backend whose server serves the merged weights of its models, each under "
        "the fine-tune's name.",
    )
    openai_api_key: SecretStr | None = Field(
        default=None, description="Key of the OpenAI-compatible server behind the backend `openai`."
    )
    openai_base_url: str | None = Field(
        default=None,
        description="Address of that server (vLLM, llama.cpp, Ollama, ...): http://host:8001/v1",
    )
    openai_servers: dict[ServerName, RemoteServer] = Field(
        default_factory=dict,
        description="More OpenAI-compatible servers, as JSON; each is a backend `openai-<name>`.",
    )
    cohere_calls_per_minute: int | None = Field(
        default=None,
        gt=0,
        description="Most calls a minute that batches make to `cohere`, by all processes "
        "together; Cohere's own server allows 20 with a trial key, 500 with another.",
    )
    openai_calls_per_minute: int | None = Field(
        default=None, gt=0, description="The same for `openai`."
    )
    remote_timeout_seconds: float = Field(
        default=60, gt=0, description="Longest wait for one answer of a remote server."
    )
    remote_attempts: int = Field(
        default=3, ge=1, le=10, description="How often a call to a remote server is tried at most."
    )
    remote_poll_seconds: float = Field(
        default=5, gt=0, description="How often a remote training is looked at."
    )
    cohere_api_backend: str = Field(
        default="local",
        description="Backend that trains what is asked for through /cohere, unless the base "
        "model is named as <backend>:<model>.",
    )

    @field_validator("cohere_servers")
    @classmethod
    def _not_the_trainer(cls, servers: dict[str, RemoteServer]) -> dict[str, RemoteServer]:
        if "finetune" in servers:
            raise ValueError("cohere-finetune is the name of another backend")
        return servers

    @property
    def cohere(self) -> RemoteServer:
        """The Cohere server of the backend `cohere`."""
        return RemoteServer(
            base_url=self.cohere_base_url,
            api_key=self.cohere_api_key,
            calls_per_minute=self.cohere_calls_per_minute,
        )

    @property
    def openai(self) -> RemoteServer:
        """The server of the backend `openai`."""
        return RemoteServer(
            base_url=self.openai_base_url,
            api_key=self.openai_api_key,
            calls_per_minute=self.openai_calls_per_minute,
        )

    def calls_per_minute(self, backend: str) -> int | None:
        """Most calls a minute that batches make to the server of a backend; None: no limit."""
        kind, _, name = backend.partition("-")
        first = {"cohere": self.cohere, "openai": self.openai}
        others = {"cohere": self.cohere_servers, "openai": self.openai_servers}
        server = others.get(kind, {}).get(name) if name else first.get(kind)
        return server.calls_per_minute if server is not None else None

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
