"""`/v1/check-api-key`."""

from fastapi import APIRouter

router = APIRouter()


@router.post("/v1/check-api-key", operation_id="cohereCheckApiKey")
async def check_api_key() -> dict[str, object]:
    """Every key is valid, and none is: the service has no keys, and reads none."""
    return {"valid": True, "organization_id": None, "owner_id": None}
