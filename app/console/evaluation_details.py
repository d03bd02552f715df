"""Single documents of an evaluation: two models compared, and errors in their text."""

from dataclasses import dataclass
from typing import TypeVar
from urllib.parse import urlencode

from fastapi import APIRouter, Request, Response

from app.console.evaluations import MEASURE_NAMES, labels
from app.console.forms import read_query
from app.console.highlight import Piece, Span, pieces
from app.console.pages import PageRoute, render
from app.corpora.documents import MENTION_TYPES
from app.evaluations.causes import CAUSES, Cause
from app.evaluations.compared import comparison
from app.evaluations.detail_schemas import ErrorInContext
from app.evaluations.error_pages import error_page
from app.evaluations.measures import MEASURES, Measure
from app.evaluations.opened import opened
from app.evaluations.schemas import Evaluation
from app.evaluations.service import Evaluations
from app.platform.http import Cursor, PlatformDep
from app.platform.work import Platform
from app.prompts.tasks import Task

router = APIRouter(prefix="/evaluations", route_class=PageRoute)

_DOCUMENTS, _ERRORS = 20, 20
_CHANGES = {
    "gained": "Right, and found by the model alone",
    "lost": "Right, and found by the baseline alone",
    "false_positive_removed": "False, and found by the baseline alone",
    "false_positive_added": "False, and found by the model alone",
}
Choice = TypeVar("Choice", Task, Cause, Measure)


@router.get("/{evaluation_id}/comparison")
async def compare(
    request: Request, platform: PlatformDep, evaluation_id: str, cursor: Cursor = None
) -> Response:
    """Any two models by any measure, the documents with the largest differences first."""
    query = read_query(request)
    evaluation = await _get(platform, evaluation_id)
    chosen = query.given("baseline", "model", "by")
    task, _, measure = chosen.get("by", "").partition(".")
    found = None
    async with opened(platform, evaluation_id) as kept:
        if len(kept.models) > 1:
            found = await comparison(
                platform,
                kept,
                (chosen.get("baseline"), chosen.get("model")),
                _one_of(Task, task),
                _one_of(Measure, measure),
                cursor,
                _DOCUMENTS,
            )
    return render(
        request,
        "evaluations_comparison.html",
        evaluation=evaluation,
        labels=labels(evaluation),
        found=found,
        measures=MEASURES,
        measure_names=MEASURE_NAMES,
        changes=_CHANGES,
        query=urlencode(chosen),
        reach=max(abs(found.low), abs(found.high)) or 1.0 if found else 1.0,
    )


@router.get("/{evaluation_id}/errors")
async def errors(
    request: Request, platform: PlatformDep, evaluation_id: str, cursor: Cursor = None
) -> Response:
    """A model's errors in their text, of one task or cause if asked."""
    query = read_query(request)
    evaluation = await _get(platform, evaluation_id)
    chosen = query.given("model", "task", "cause")
    async with opened(platform, evaluation_id) as kept:
        model = kept.model(chosen.get("model"), "/query/model", 0).id
        page = await error_page(
            kept,
            model,
            _one_of(Task, chosen.get("task", "")),
            _one_of(Cause, chosen.get("cause", "")),
            cursor,
            _ERRORS,
        )
    return render(
        request,
        "evaluations_errors.html",
        evaluation=evaluation,
        labels=labels(evaluation),
        model=model,
        chosen=chosen,
        shown=[_shown(each) for each in page.items],
        next_cursor=page.next_cursor,
        causes=CAUSES,
        query=urlencode(chosen),
    )


@dataclass(frozen=True)
class Side:
    """What was annotated or what was answered: a mention, or the two sides of a relation."""

    names: list[str]
    type: str | None = None
    identifiers: list[str] | None = None


@dataclass(frozen=True)
class ShownError:
    """An error, the text around it in pieces, and both sides of it; None is nothing at all."""

    error: ErrorInContext
    pieces: list[Piece]
    expected: Side | None
    found: Side | None


def _shown(error: ErrorInContext) -> ShownError:
    expected, found = _sides(error)
    shown = pieces(error.context, _spans(error), error.context_start)
    return ShownError(error, shown, expected, found)


def _sides(error: ErrorInContext) -> tuple[Side | None, Side | None]:
    """What was expected, and what was found."""
    missed = error.outcome == "missed"
    if error.task is Task.RELATIONS:
        names = [error.text, error.other.text if error.other else ""]
        pair = Side([name or "no mention in the text" for name in names], None, error.identifiers)
        return (pair, None) if missed else (None, pair)
    mention = Side([error.text], error.type, error.identifiers)
    against = None
    if error.cause in (Cause.NO_IDENTIFIER, Cause.WRONG_IDENTIFIER):
        against = Side([error.text], error.type, error.instead)
    elif error.other is not None:
        # There are two types: what it was confused with is of the other one.
        others = [type_ for type_ in MENTION_TYPES if type_ != error.type]
        type_ = others[0] if error.cause == Cause.TYPE else error.type
        against = Side([error.other.text], type_)
    return (mention, against) if missed else (against, mention)


def _spans(error: ErrorInContext) -> list[Span]:
    first, other = (error.start, error.end), error.other
    if error.task is Task.RELATIONS:
        spans = [Span(*first, "chemical")]
        return [*spans, Span(other.start, other.end, "disease")] if other else spans
    mine, theirs = ("expected", "found") if error.outcome == "missed" else ("found", "expected")
    spans = [Span(*first, mine)]
    if error.cause in (Cause.NO_IDENTIFIER, Cause.WRONG_IDENTIFIER):
        spans.append(Span(*first, theirs))
    elif other is not None:
        spans.append(Span(other.start, other.end, theirs))
    return spans


def _one_of(kind: type[Choice], value: str) -> Choice | None:
    """The member of this value; None, which is no choice, for anything else."""
    return next((each for each in kind if each.value == value), None)


async def _get(platform: Platform, evaluation_id: str) -> Evaluation:
    async with platform.work(write=False) as work:
        return await Evaluations(work).get(evaluation_id)
