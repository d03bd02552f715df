"""The settings of servers elsewhere, which are asked and train: where they are, what they allow."""

from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, SecretStr, StringConstraints, field_validator
from pydantic_settings import BaseSettings

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


class RemoteSettings(BaseSettings):
    """What a process can be told of them; a part of `Settings`."""

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
