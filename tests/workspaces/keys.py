"""Keys of workspaces, made as the command line makes them."""

from app.keys.schemas import KeyRequest
from app.keys.service import Keys
from app.platform.access import Principal, Scope, acting
from app.platform.work import Platform


async def new_key(platform: Platform, workspace: str, scope: str = "admin") -> tuple[str, str]:
    """The id of a new key, and the key."""
    request = KeyRequest.model_validate({"name": "test", "scope": scope})
    with acting(Principal("operator", workspace, Scope.ADMIN)):
        async with platform.work(write=True) as work:
            made = await Keys(work).create(request)
    return made.id, made.key


def bearer(key: str) -> dict[str, str]:
    """The header that a key is sent in."""
    return {"Authorization": f"Bearer {key}"}
