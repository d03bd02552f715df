"""Liveness and readiness, unversioned, for whoever keeps the process running."""

import asyncio
from typing import Literal

import structlog
from fastapi import APIRouter
from pydantic import BaseModel

from app.platform.errors import ApiError
from app.platform.http import PlatformDep
from app.platform.problem_json import problem_responses

log = structlog.get_logger(__name__)
router = APIRouter(tags=["health"])

_PATIENCE_SECONDS = 2.0


class Health(BaseModel):
    """The process answers."""

    status: Literal["ok"] = "ok"


@router.get("/healthz", operation_id="getHealth", summary="Is the process alive?")
async def get_health() -> Health:
    """Answers as long as the event loop runs; touches nothing else."""
    return Health()


@router.get(
    "/readyz",
    operation_id="getReadiness",
    summary="Can the process serve?",
    responses=problem_responses("not_ready"),
)
async def get_readiness(platform: PlatformDep) -> Health:
    """Checks that the database and the job engine answer, within two seconds."""
    try:
        async with asyncio.timeout(_PATIENCE_SECONDS):
            await platform.database.ping()
            await platform.jobs.ping()
    except Exception as error:
        log.warning("not_ready", cause=type(error).__name__)
        raise ApiError("not_ready", "The database or the job engine does not answer.") from None
    return Health()
