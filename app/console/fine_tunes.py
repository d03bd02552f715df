"""Fine-tunes: watch, cancel, train again elsewhere, delete. `fine_tunes_form` launches them."""

from fastapi import APIRouter, Request, Response

from app.backends.asked import asked
from app.backends.http import BackendsDep
from app.backends.registry import Backends
from app.console.curve import HEIGHT, RIGHT, WIDTH, curves
from app.console.deletion import agreed, question
from app.console.forms import Form, read_form, validated
from app.console.pages import PageRoute, redirect, render
from app.fine_tunes.schemas import FineTuneEvent, MetricValue, RepeatRequest
from app.fine_tunes.service import FineTunes
from app.fine_tunes.states import TERMINAL, Status
from app.models.service import Models
from app.platform.errors import ApiError
from app.platform.http import Cursor, LineageDep, PlatformDep
from app.platform.work import Platform
from app.training_files.service import TrainingFiles

router = APIRouter(route_class=PageRoute)

_PAGE = 1000
_CANCELLABLE = frozenset({Status.QUEUED, Status.PREPARING, Status.TRAINING})


@router.get("/fine-tunes")
async def list_fine_tunes(
    request: Request, platform: PlatformDep, backends: BackendsDep, cursor: Cursor = None
) -> Response:
    """All fine-tunes, newest first; those that run are followed."""
    return await _list(request, platform, backends, "fine_tunes.html", cursor)


@router.get("/fine-tunes/live")
async def live_list(
    request: Request, platform: PlatformDep, backends: BackendsDep, cursor: Cursor = None
) -> Response:
    """The table of the page above."""
    return await _list(request, platform, backends, "fine_tunes_table.html", cursor)


@router.get("/fine-tunes/{fine_tune_id}")
async def show(
    request: Request, platform: PlatformDep, backends: BackendsDep, fine_tune_id: str
) -> Response:
    """One fine-tune: how far it is, its curve, what happened, its model."""
    return await _show(request, platform, backends, "fine_tunes_one.html", fine_tune_id, Form())


@router.get("/fine-tunes/{fine_tune_id}/live")
async def live(
    request: Request, platform: PlatformDep, backends: BackendsDep, fine_tune_id: str
) -> Response:
    """What of its page changes while it runs."""
    return await _show(request, platform, backends, "fine_tunes_live.html", fine_tune_id, Form())


@router.post("/fine-tunes/{fine_tune_id}/cancel")
async def cancel(platform: PlatformDep, backends: BackendsDep, fine_tune_id: str) -> Response:
    """Ask for an end."""
    async with platform.work(write=True) as work:
        await FineTunes(work, backends).cancel(fine_tune_id)
    return redirect(f"/fine-tunes/{fine_tune_id}")


@router.post("/fine-tunes/{fine_tune_id}/repeat")
async def repeat(
    request: Request, platform: PlatformDep, backends: BackendsDep, fine_tune_id: str
) -> Response:
    """Train on the same data again, there or elsewhere."""
    form = await read_form(request)
    try:
        wanted = validated(RepeatRequest, form.given("backend", "name"))
        told = await asked(backends, None if wanted.backend is None else [wanted.backend])
        async with platform.work(write=True) as work:
            again = await FineTunes(work, told).repeat(fine_tune_id, wanted)
    except ApiError as error:
        if error.code == "not_found":
            raise
        page = "fine_tunes_one.html"
        return await _show(request, platform, backends, page, fine_tune_id, form.refused(error))
    return redirect(f"/fine-tunes/{again.id}")


@router.get("/fine-tunes/{fine_tune_id}/delete")
async def ask(
    request: Request,
    platform: PlatformDep,
    backends: BackendsDep,
    lineage: LineageDep,
    fine_tune_id: str,
) -> Response:
    """What depends on it, before it is deleted."""
    async with platform.work(write=False) as work:
        fine_tune = await FineTunes(work, backends).get(fine_tune_id)
        built = await lineage.descendants(work, "fine-tune", fine_tune_id)
    return question(request, "fine-tune", "fine-tunes", fine_tune, fine_tune.name, built=built)


@router.post("/fine-tunes/{fine_tune_id}/delete")
async def delete(
    request: Request,
    platform: PlatformDep,
    backends: BackendsDep,
    lineage: LineageDep,
    fine_tune_id: str,
) -> Response:
    """Delete it, and its model if that was ticked."""
    form = await read_form(request)
    async with platform.work(write=True) as work:
        cascade = await agreed(form, work, lineage, "fine-tune", fine_tune_id)
        await FineTunes(work, backends).delete(fine_tune_id, lineage, cascade=cascade)
    return redirect("/fine-tunes")


async def _list(
    request: Request, platform: Platform, backends: Backends, template: str, cursor: str | None
) -> Response:
    async with platform.work(write=False) as work:
        page = await FineTunes(work, backends).page(None, cursor, 50)
    running = any(each.status not in TERMINAL for each in page.items)
    return render(request, template, page=page, cursor=cursor, running=running)


async def _show(
    request: Request,
    platform: Platform,
    backends: Backends,
    template: str,
    fine_tune_id: str,
    form: Form,
) -> Response:
    told = await asked(backends)
    async with platform.work(write=False) as work:
        fine_tunes = FineTunes(work, told)
        fine_tune = await fine_tunes.get(fine_tune_id)
        file = await TrainingFiles(work).get(fine_tune.training_file_id)
        events, metrics = await _history(fine_tunes, fine_tune_id)
        places = [
            each.name
            for each in await Models(work, told).backends()
            if each.can_train and each.configured
        ]
    drawn, figures = curves(metrics)
    return render(
        request,
        template,
        status=form.status,
        form=form,
        fine_tune=fine_tune,
        file=file,
        events=events,
        curves=drawn,
        figures=figures,
        picture={"width": WIDTH, "height": HEIGHT, "right": WIDTH - RIGHT},
        places=places,
        running=fine_tune.status not in TERMINAL,
        cancellable=fine_tune.status in _CANCELLABLE,
    )


async def _history(
    fine_tunes: FineTunes, fine_tune_id: str
) -> tuple[list[FineTuneEvent], list[MetricValue]]:
    """All that happened, and all points of the training curve."""
    events: list[FineTuneEvent] = []
    metrics: list[MetricValue] = []
    cursor: str | None = None
    while True:
        told = await fine_tunes.events(fine_tune_id, cursor, _PAGE)
        events += told.items
        if (cursor := told.next_cursor) is None:
            break
    while True:
        measured = await fine_tunes.metrics(fine_tune_id, cursor, _PAGE)
        metrics += measured.items
        if (cursor := measured.next_cursor) is None:
            return events, metrics
