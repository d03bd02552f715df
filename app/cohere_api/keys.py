"""`/v1/check-api-key`."""

from fastapi import APIRouter

router = APIRouter()


@router.post("/v1/check-api-key", operation_id="cohereCheckApiKey")
async def check_api_key() -> dict[str, object]:
    """Whoever gets here has a valid key, or the service has none."""
    return {"valid": True, "organization_id": None, "owner_id": None}
