"""What the calls that name a model have in common: the body is read, the model found.

The body is read by hand, since one for a model of Cohere's own servers is passed on as it is,
whatever it holds.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, TypeVar

from fastapi import Depends, Request
from pydantic import BaseModel, ValidationError
from pydantic_core import from_json
from starlette.responses import Response

from app.backends.http import BackendsDep
from app.cohere_api import forwarding, naming
from app.cohere_api.errors import CohereError, invalid_request
from app.models.service import ResolvedModel
from app.platform.http import PlatformDep
from app.platform.work import Platform

Body = TypeVar("Body", bound=BaseModel)

_LONGEST_NAME = 200


@dataclass(frozen=True)
class Call:
    """A request's body as sent, and the model it names."""

    platform: Platform
    fields: Mapping[str, object]
    model: ResolvedModel

    def read(self, schema: type[Body]) -> Body:
        """The body; fields that the schema has not are passed over. Raises CohereError 400."""
        try:
            return schema.model_validate(self.fields)
        except ValidationError as error:
            raise invalid_request(error) from None

    async def forwarded(self, path: str) -> Response | None:
        """The answer of the model's own server, if it is one of Cohere's. Raises BackendError."""
        backend = self.model.backend
        if not isinstance(backend, forwarding.Forwarding):
            return None
        return await forwarding.forward(backend, path, self.fields, self.model.backend_model)


async def _call(request: Request, platform: PlatformDep, backends: BackendsDep) -> Call:
    try:
        fields = from_json(await request.body(), allow_inf_nan=False)
    except ValueError:
        raise CohereError(400, "invalid request: the body is not valid JSON") from None
    if not isinstance(fields, dict):
        raise CohereError(400, "invalid request: the body must be a JSON object")
    name = fields.get("model")
    if not isinstance(name, str) or not 0 < len(name) <= _LONGEST_NAME:
        raise CohereError(400, "invalid request: model must be the name of a model")
    return Call(platform, fields, await naming.resolve(platform, backends, name))


CallDep = Annotated[Call, Depends(_call)]
