"""Liveness and readiness, unversioned, for whoever keeps the process running."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Literal

import structlog
from fastapi import APIRouter, Request
from pydantic import BaseModel, Field

from app.backends.circuits import MayBeAway
from app.backends.registry import Backends
from app.platform.errors import ApiError, FieldError
from app.platform.http import PlatformDep
from app.platform.patience import within
from app.platform.problem_json import problem_responses

log = structlog.get_logger(__name__)
router = APIRouter(tags=["health"])

_PATIENCE_SECONDS = 2.0
Standing = Literal["ok", "degraded", "failed"]


class Health(BaseModel):
    """The process answers."""

    status: Literal["ok"] = "ok"


class Readiness(BaseModel):
    """The process can serve; what is degraded keeps some calls from being answered, not all."""

    status: Literal["ok", "degraded"] = Field(description="`degraded` if any check is.")
    checks: dict[str, Standing] = Field(
        description="`database`, `jobs` (the engine's database), `blobs`; `workers`, degraded "
        "while no process runs jobs; `backend:<name>` of each that is configured, degraded while "
        "its server fails again and again.",
        examples=[{"database": "ok", "jobs": "ok", "blobs": "ok", "backend:local": "ok"}],
    )


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
async def get_readiness(request: Request, platform: PlatformDep) -> Readiness:
    """Checks what every call needs, all at once, each within two seconds.

    503 if any of it fails. A backend whose server is away makes nothing unready: the others go on,
    and no other process of the service would reach it either. No server is asked: what is told is
    how the last calls went.
    """
    checks: dict[str, Callable[[], Awaitable[Standing]]] = {
        "database": lambda: _answers(platform.database.ping),
        "jobs": lambda: _answers(platform.jobs.ping),
        "blobs": lambda: _answers(platform.blobs.objects.ping),
    }
    if (workers := platform.jobs.workers) is not None:
        checks["workers"] = lambda: _some(workers.count)
    found = await asyncio.gather(*(_within_time(name, check) for name, check in checks.items()))
    standings: dict[str, Standing] = dict(zip(checks, found, strict=True))
    backends: Backends = request.app.state.backends
    for name, backend in backends:
        if backend.configured:
            away = isinstance(backend, MayBeAway) and backend.is_away
            standings[f"backend:{name}"] = "degraded" if away else "ok"
    if failed := [name for name, standing in standings.items() if standing == "failed"]:
        faults = [FieldError(f"/checks/{name}", "failed", "It does not answer.") for name in failed]
        raise ApiError("not_ready", f"No answer of: {', '.join(failed)}.", errors=faults)
    status: Literal["ok", "degraded"] = "degraded" if "degraded" in standings.values() else "ok"
    return Readiness(status=status, checks=standings)


async def _answers(ask: Callable[[], Awaitable[None]]) -> Standing:
    await ask()
    return "ok"


async def _some(count: Callable[[], Awaitable[int]]) -> Standing:
    return "ok" if await count() else "degraded"


async def _within_time(name: str, check: Callable[[], Awaitable[Standing]]) -> Standing:
    try:
        return await within(_PATIENCE_SECONDS, check)
    except Exception as error:
        log.warning("not_ready", check=name, cause=type(error).__name__)
        return "failed"
