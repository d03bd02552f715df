"""Keys and the audit log on the wire."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

KeyScope = Annotated[
    Literal["read", "write", "admin"],
    Field(
        description="`read` looks and asks models; `write` creates, changes and deletes as well; "
        "`admin` also manages the keys of its workspace and reads its audit log."
    ),
]


class KeyRequest(BaseModel):
    """A key to be made, in the workspace of whoever asks."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={"examples": [{"name": "nightly text mining", "scope": "read"}]},
    )

    name: str = Field(min_length=1, max_length=200)
    scope: KeyScope
    expires_at: datetime | None = Field(
        default=None, description="When it ends, with an offset; null: never."
    )


class ApiKey(BaseModel):
    """A key as anybody may see it: without its secret."""

    id: str = Field(examples=["key_01987e5a7c3f7d2ab8f0c1d2e3f4a5b6"])
    name: str
    scope: KeyScope
    workspace: str = Field(description="The only one whose resources it reaches.")
    status: Literal["valid", "expired", "revoked"]
    created_by: str = Field(description="Id of the key that made it, or a word for no key.")
    created_at: datetime
    expires_at: datetime | None
    revoked_at: datetime | None
    last_used_at: datetime | None = Field(description="A minute behind at the most.")


class NewApiKey(ApiKey):
    """A key just made."""

    key: str = Field(description="The key itself; it is shown this once and stored nowhere.")


class AuditEvent(BaseModel):
    """Something that was done, and by whom. Ids alone; text never."""

    id: str = Field(examples=["aud_01987e5a7c3f7d2ab8f0c1d2e3f4a5b6"])
    at: datetime
    actor: str = Field(
        description="Id of the key; `local` without keys, `operator` on the command line, "
        "`settings` for the key of MEDTUNE_ADMIN_KEY."
    )
    action: str = Field(
        description="`created`, `changed`, `deleted`; of a key `revoked`.", examples=["deleted"]
    )
    kind: str = Field(description="What kind of thing.", examples=["datasets"])
    subject_id: str = Field(description="Which one; it may be gone by now.")
    request_id: str | None = Field(description="As in the log and in `X-Request-ID`.")
