"""Evaluations: a list and a leaderboard, a form for another one, and what one has measured."""

from typing import Any

from fastapi import APIRouter, Request, Response

from app.backends.asked import asked_about
from app.backends.http import BackendsDep
from app.backends.registry import Backends
from app.console.choices import Choices, options_of, ticked
from app.console.deletion import question
from app.console.forms import Form, read_form, read_query, validated
from app.console.pages import PageRoute, redirect, render
from app.datasets.service import Datasets
from app.evaluations.causes import CAUSES
from app.evaluations.measures import HEADLINE, MEASURES
from app.evaluations.schemas import UNFINISHED, Evaluation, EvaluationRequest
from app.evaluations.service import Evaluations
from app.platform.errors import ApiError
from app.platform.http import Cursor, PlatformDep
from app.platform.work import Platform

router = APIRouter(prefix="/evaluations", route_class=PageRoute)

_PAGE = 50
_CURRENCIES = ["USD", "EUR", "GBP"]
# What the measures are called in tables; the page has their definitions below.
MEASURE_NAMES = {
    "mentions_strict": "Strict",
    "mentions_relaxed": "Relaxed",
    "surfaces": "Names (surface)",
    "concepts": "Concepts",
    "gold_mentions": "Gold mentions",
    "end_to_end": "End to end",
    "by_name": "By name",
}


@router.get("")
async def list_evaluations(
    request: Request, platform: PlatformDep, cursor: Cursor = None
) -> Response:
    """All evaluations, newest first, or the best ones first; of one dataset or model if asked."""
    query = read_query(request)
    chosen = query.given("dataset_id", "model")
    sort = query.text("sort")
    async with platform.work(write=False) as work:
        page = await Evaluations(work).page(
            chosen.get("dataset_id"),
            chosen.get("model"),
            "f1" if sort == "f1" else "created_at",
            cursor,
            _PAGE,
        )
        datasets = Datasets(work)
        offered = {each.id: each.name for each in (await datasets.page(None, _PAGE)).items}
        named = [each.dataset_id for each in page.items]
        names = await datasets.names([*named, *filter(None, [chosen.get("dataset_id")])])
    return render(
        request,
        "evaluations.html",
        page=page,
        query=query,
        best_first=sort == "f1",
        datasets=names,
        # One that is asked for is among the choices, however many there are.
        filters=offered | {id_: names.get(id_, id_) for id_ in [chosen.get("dataset_id")] if id_},
        labels={each.id: labels(each) for each in page.items},
    )


@router.get("/new")
async def new(request: Request, platform: PlatformDep, backends: BackendsDep) -> Response:
    """The form for another one; its splits are shown once the dataset is chosen."""
    return await _form(request, platform, backends, read_query(request))


@router.post("")
async def create(request: Request, platform: PlatformDep, backends: BackendsDep) -> Response:
    """Begin one, and go to its page."""
    form = await read_form(request)
    try:
        asked = validated(EvaluationRequest, _request(form))
        told = await asked_about(backends, asked.models)
        async with platform.work(write=True) as work:
            evaluation = await Evaluations(work).create(asked, told)
    except ApiError as error:
        return await _form(request, platform, backends, form.refused(error))
    return redirect(f"/evaluations/{evaluation.id}")


@router.get("/{evaluation_id}")
async def one(request: Request, platform: PlatformDep, evaluation_id: str) -> Response:
    """One evaluation: how far it is, or what it measured."""
    return await _one(request, platform, evaluation_id, "evaluations_one.html")


@router.get("/{evaluation_id}/progress")
async def progress(request: Request, platform: PlatformDep, evaluation_id: str) -> Response:
    """What of its page changes while it runs."""
    return await _one(request, platform, evaluation_id, "evaluations_progress.html")


@router.get("/{evaluation_id}/results")
async def results(request: Request, platform: PlatformDep, evaluation_id: str) -> Response:
    """What of its page is there once it has succeeded."""
    return await _one(request, platform, evaluation_id, "evaluations_results.html")


@router.post("/{evaluation_id}/cancel")
async def cancel(platform: PlatformDep, evaluation_id: str) -> Response:
    """End it, and show its page again."""
    async with platform.work(write=True) as work:
        evaluation = await Evaluations(work).cancel(evaluation_id)
    return redirect(f"/evaluations/{evaluation.id}")


@router.get("/{evaluation_id}/delete")
async def ask(request: Request, platform: PlatformDep, evaluation_id: str) -> Response:
    """Say what goes, before it is deleted."""
    async with platform.work(write=False) as work:
        evaluation = await Evaluations(work).get(evaluation_id)
    return question(request, "evaluation", "evaluations", evaluation, evaluation.name)


@router.post("/{evaluation_id}/delete")
async def delete(platform: PlatformDep, evaluation_id: str) -> Response:
    """Delete it, and go to the list."""
    async with platform.work(write=True) as work:
        await Evaluations(work).delete(evaluation_id)
    return redirect("/evaluations")


def labels(evaluation: Evaluation) -> dict[str, str]:
    """What the models of an evaluation are called, by their ids: by name where that is enough."""
    found = {each.model: _label(each.model, each.name) for each in evaluation.results}
    taken = list(found.values())
    return {model: model for model in evaluation.models} | {
        model: label if taken.count(label) == 1 else f"{label} ({model[-6:]})"
        for model, label in found.items()
    }


def _label(model: str, name: str) -> str:
    return model if ":" in model else name


async def _form(request: Request, platform: Platform, backends: Backends, form: Form) -> Response:
    choices = await Choices.read(platform, backends, form.text("dataset_id"))
    models = list(dict.fromkeys(form.chosen("models") or form.chosen("model")))
    return render(
        request,
        "evaluations_new.html",
        status=form.status,
        form=form,
        choices=choices,
        models=models,
        others=choices.without(models),
        currencies=_CURRENCIES,
    )


def _request(form: Form) -> dict[str, Any]:
    """A form as the body of `POST /v1/evaluations`; the first model is the baseline."""
    models = list(dict.fromkeys(name.strip() for name in form.chosen("models")))
    prices = {name: _price(form, name) for name in models}
    return {
        "models": models,
        "dataset_id": form.text("dataset_id"),
        "options": options_of(form, "min_precision"),
        "prices": {name: price for name, price in prices.items() if price},
        **form.given("name"),
        **ticked(form, "splits", "tasks", "notify"),
    }


def _price(form: Form, model: str) -> dict[str, str]:
    """The price given of a model's tokens; empty if there is none."""
    given = form.given(f"prices.{model}.input", f"prices.{model}.output")
    if not given:
        return {}
    price = {name.rpartition(".")[2]: value for name, value in given.items()}
    return {"input": "0", "output": "0", "currency": form.text("currency", "USD"), **price}


async def _one(request: Request, platform: Platform, evaluation_id: str, template: str) -> Response:
    async with platform.work(write=False) as work:
        evaluation = await Evaluations(work).get(evaluation_id)
        dataset = await Datasets(work).get(evaluation.dataset_id)
    return render(
        request,
        template,
        evaluation=evaluation,
        dataset=dataset,
        labels=labels(evaluation),
        running=evaluation.status in UNFINISHED,
        headline=HEADLINE,
        measures=MEASURES,
        measure_names=MEASURE_NAMES,
        causes=CAUSES,
        by_cause=_by_cause(evaluation),
        reach=max(
            (abs(bound) for each in evaluation.comparisons for bound in (each.low, each.high)),
            default=0.0,
        )
        or 1.0,
    )


def _by_cause(evaluation: Evaluation) -> dict[str, dict[str, list[int | None]]]:
    """Errors by task and cause, of each model in order; None where it cannot do the task."""
    table: dict[str, dict[str, list[int | None]]] = {}
    for task in evaluation.tasks:
        rows = {
            cause.value: [
                each.errors[task].get(cause, 0) if task in each.errors else None
                for each in evaluation.results
            ]
            for cause in CAUSES
        }
        table[task] = {cause: counts for cause, counts in rows.items() if any(counts)}
    return table
