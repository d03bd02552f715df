"""`/metrics`, unversioned: the numbers of this process and of the service, for Prometheus."""

import asyncio

from fastapi import APIRouter, Request, Response
from fastapi.responses import PlainTextResponse

from app.platform.http import PlatformDep
from app.platform.metrics_gathered import gather

router = APIRouter(tags=["health"])


@router.get(
    "/metrics",
    operation_id="getMetrics",
    summary="Numbers for Prometheus",
    response_class=PlainTextResponse,
)
async def get_metrics(request: Request, platform: PlatformDep) -> Response:
    """In the text format of Prometheus, or as OpenMetrics if that is asked for.

    A database that is away leaves its numbers out; it does not keep the others from being told.
    """
    gathered = await gather(platform)
    accept = request.headers.get("accept", "")
    metrics = platform.telemetry.metrics
    page, media_type = await asyncio.to_thread(metrics.page, gathered, accept)
    return Response(page, headers={"Content-Type": media_type})
