"""An evaluation as tables on the terminal, as Markdown, and as bars."""

from collections.abc import Iterator

from rich.table import Table
from rich.text import Text

from app.charts import Bar, Difference, Group
from app.evaluations.card_markdown import cell, code, percent, plain
from app.evaluations.measures import HEADLINE, MEASURES
from app.evaluations.schemas import Comparison, Evaluation, EvaluationResult, Score
from app.prompts.tasks import Task

_SCORES = ("precision", "recall", "F1", "difference, 95 % interval", "p")
_EFFORT = ("docs/s", "p50 ms", "p95 ms", "tokens in", "out", "cost", "ungrounded", "trained on")


def score_table(evaluation: Evaluation) -> Table:
    """Models by tasks and measures; each task's headline measure in bold."""
    documents = f"{evaluation.documents} documents, {', '.join(evaluation.splits)}"
    table = Table(title=Text(f"{evaluation.name}: {documents}"), title_justify="left")
    for name in ("task", "measure", "model"):
        table.add_column(name, overflow="fold")
    for name in _SCORES:
        table.add_column(name, justify="right")
    for task, measure in _measures(evaluation):
        style = "bold" if measure == HEADLINE[task] else ""
        for result in evaluation.results:
            row = (task.value, measure, label(result), *_scores(evaluation, result, task, measure))
            # Text, so that no name is taken for markup.
            table.add_row(*map(Text, row), style=style)
        table.add_section()
    return table


def effort_table(evaluation: Evaluation) -> Table:
    """What each model took."""
    table = Table()
    table.add_column("model", overflow="fold")
    for name in _EFFORT:
        table.add_column(name, justify="right")
    for result in evaluation.results:
        table.add_row(*map(Text, (label(result), *_effort(result))))
    return table


def markdown(evaluation: Evaluation) -> str:
    """All of it as Markdown."""
    return "\n".join(_markdown(evaluation)) + "\n"


def bars(evaluation: Evaluation) -> list[Group]:
    """F1 of the headline measure of each task, in percent, and the differences."""
    groups = []
    for task in evaluation.tasks:
        measure = HEADLINE[task]
        found = [
            Bar(label(result), score.f1 * 100, _difference(evaluation, result, task))
            for result in evaluation.results
            if (score := _score(result, task, measure)) is not None
        ]
        groups.append(Group(f"{task.value}, {measure.value}", found))
    return [group for group in groups if group.bars]


def label(result: EvaluationResult) -> str:
    """What a model is called here: as it was asked for, and by its name if that says more."""
    return result.asked if result.name in result.asked else f"{result.asked} ({result.name})"


def _measures(evaluation: Evaluation) -> Iterator[tuple[Task, str]]:
    """Those that any model was measured by."""
    for task in evaluation.tasks:
        for measure in MEASURES[task]:
            if any(_score(result, task, measure) for result in evaluation.results):
                yield task, measure.value


def _score(result: EvaluationResult, task: Task, measure: str) -> Score | None:
    return result.scores.get(task, {}).get(measure)


def _comparison(
    evaluation: Evaluation, result: EvaluationResult, task: Task, measure: str
) -> Comparison | None:
    wanted = (result.model, task, measure)
    found = (c for c in evaluation.comparisons if (c.model, c.task, c.measure) == wanted)
    return next(found, None)


def _difference(evaluation: Evaluation, result: EvaluationResult, task: Task) -> Difference | None:
    found = _comparison(evaluation, result, task, HEADLINE[task])
    if found is None:
        return None
    return Difference(found.difference * 100, found.low * 100, found.high * 100)


def _scores(
    evaluation: Evaluation, result: EvaluationResult, task: Task, measure: str
) -> tuple[str, ...]:
    score = _score(result, task, measure)
    if score is None:
        return ("",) * len(_SCORES)
    shares = map(percent, (score.precision, score.recall, score.f1))
    compared = _comparison(evaluation, result, task, measure)
    if compared is None:
        return (*shares, "", "")
    difference, low, high = (
        f"{each * 100:+.1f}" for each in (compared.difference, compared.low, compared.high)
    )
    return (*shares, f"{difference} [{low}, {high}]", f"{compared.p_value:.2g}")


def _effort(result: EvaluationResult) -> tuple[str, ...]:
    latency, usage, cost, overlap = result.latency, result.usage, result.cost, result.overlap
    return (
        f"{latency.documents_per_second:.1f}",
        f"{latency.p50_ms:.1f}",
        f"{latency.p95_ms:.1f}",
        str(usage.input_tokens),
        str(usage.output_tokens),
        "" if cost is None else f"{cost.amount:.4g} {cost.currency}",
        str(result.ungrounded),
        "unknown" if overlap is None else f"{overlap.documents} of {overlap.of}",
    )


def _markdown(evaluation: Evaluation) -> Iterator[str]:
    yield f"# Evaluation: {code(evaluation.name)}"
    yield ""
    splits = ", ".join(map(code, evaluation.splits))
    yield (
        f"{evaluation.documents} documents of {code(evaluation.dataset_id)}, {splits}; "
        f"{code(evaluation.id)}. All shares in percent; differences in points of F1 from "
        f"{code(label(evaluation.results[0]))}. Headline measures are bold."
    )
    for warning in evaluation.warnings:
        yield ""
        yield f"**Warning:** {plain(warning.detail)}"
    yield ""
    yield from _head(("task", "measure", "model"), _SCORES)
    for task, measure in _measures(evaluation):
        shown = f"**{measure}**" if measure == HEADLINE[task] else measure
        for result in evaluation.results:
            scores = _scores(evaluation, result, task, measure)
            yield _row((task.value, shown, cell(label(result)), *scores))
    yield ""
    yield from _head(("model",), _EFFORT)
    for result in evaluation.results:
        yield _row((cell(label(result)), *_effort(result)))
    yield ""
    yield "What is counted:"
    yield ""
    for name, protocol in evaluation.protocols.items():
        yield f"- {code(name)}: {plain(protocol)}"


def _head(names: tuple[str, ...], numbers: tuple[str, ...]) -> Iterator[str]:
    yield _row((*names, *numbers))
    yield _row(("---",) * len(names) + ("--:",) * len(numbers))


def _row(cells: tuple[str, ...]) -> str:
    return f"| {' | '.join(cells)} |"
