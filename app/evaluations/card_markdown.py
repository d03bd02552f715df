"""A model card as Markdown (CommonMark with GitHub's tables).

Names come from users and servers. They stand in code spans, where nothing is markup (CommonMark
0.31, section 6.1), and sentences have each character escaped that could begin any.
"""

import re
from collections.abc import Iterable, Iterator, Mapping

from app.evaluations.card_schemas import CardAncestor, CardData, CardRecipe, CardScores, ModelCard
from app.evaluations.schemas import Score

_MARKUP = re.compile(r"[\\`*_\[\]<>&|~#!$@]|(?<!\w)_|_(?!\w)|:(?=//)|(?<=www)\.", re.IGNORECASE)
_TICKS = re.compile("`+")


def markdown(card: ModelCard) -> str:
    """The whole card, ending in a newline."""
    return "\n".join(_lines(card)) + "\n"


def code(text: str) -> str:
    """Any text as a code span; line breaks and the like become spaces."""
    text = " ".join(_printable(text).split()) or " "
    fence = "`" * (max(map(len, _TICKS.findall(text)), default=0) + 1)
    space = " " if text.startswith("`") or text.endswith("`") else ""
    return f"{fence}{space}{text}{space}{fence}"


def cell(text: str) -> str:
    """As `code`, for a table: a bar would end the cell in a code span, too."""
    return code(text.replace("|", "¦"))


def plain(text: str) -> str:
    """A sentence, with everything escaped that could be markup or become a link."""
    return _MARKUP.sub(r"\\\g<0>", " ".join(_printable(text).split()))


def percent(value: float) -> str:
    """A share of 0 to 1 with one decimal."""
    return f"{value * 100:.1f}"


def _printable(text: str) -> str:
    return "".join(character if character.isprintable() else " " for character in text)


def _lines(card: ModelCard) -> Iterator[str]:
    model = card.model
    yield f"# Model card: {code(model.name)}"
    yield ""
    yield f"- Id: {code(model.id)}, {model.kind}"
    yield f"- Backend: {code(model.backend)}"
    if model.base_model is not None:
        yield f"- Base model: {code(model.base_model)}"
    yield f"- Tasks: {', '.join(model.tasks)}"
    if model.created_at is not None:
        yield f"- Created: {model.created_at:%Y-%m-%d %H:%M} UTC"
    if model.retired_on is not None:
        yield f"- Retired: {model.retired_on}"
    yield f"- {plain(model.description)}"
    yield from _section("Limits", (f"- {plain(each.detail)}" for each in card.limits))
    yield from _section("Data", _data(card.data))
    yield from _section("Recipe", _recipe(card.recipe))
    if card.vocabularies:
        yield from _section(
            "Vocabularies",
            (
                f"- {code(each.name)} ({code(each.id)}): {each.concepts} concepts, "
                f"{each.names} names, sha256 {code(each.sha256 or 'unknown')}"
                for each in card.vocabularies
            ),
        )
    yield from _section("Scores", _all_scores(card))
    yield from _section("Lineage", map(_ancestor, card.lineage))


def _ancestor(ancestor: CardAncestor) -> str:
    line = f"- {ancestor.kind} {code(ancestor.id)}"
    return line if ancestor.sha256 is None else f"{line}, sha256 {code(ancestor.sha256)}"


def _section(title: str, lines: Iterable[str]) -> Iterator[str]:
    yield ""
    yield f"## {title}"
    yield ""
    yield from lines


def _data(data: CardData | None) -> Iterator[str]:
    if data is None:
        yield "Not known here."
        return
    yield f"- Dataset: {code(data.name)} ({code(data.dataset_id)})"
    yield f"- Version: sha256 {code(data.version or 'unknown')}"
    yield f"- Documents: {data.documents}"
    mentions = ", ".join(f"{count} {plain(type_)}" for type_, count in data.mentions.items())
    yield f"- Mentions: {mentions or 'none'}"
    yield f"- Relations: {data.relations}"
    for split in data.splits:
        yield f"- Split {code(split.name)}: {split.documents} documents"
    yield f"- Licence: {plain(data.licence or 'unknown')}"


def _recipe(recipe: CardRecipe | None) -> Iterator[str]:
    if recipe is None:
        yield "Not trained here."
        return
    yield f"- Backend: {code(recipe.backend)}"
    yield f"- Base model: {code(recipe.base_model) if recipe.base_model else 'none'}"
    yield f"- Tasks: {', '.join(recipe.tasks)}"
    yield f"- Prompts: {code(recipe.template)}, hash {code(recipe.template_hash)}, {recipe.text}"
    if recipe.seconds is not None:
        yield f"- Training time: {recipe.seconds:.0f} s"
    chosen = [
        f"{code(k)} {code(str(v))}" for k, v in recipe.hyperparameters.items() if v is not None
    ]
    yield f"- Hyperparameters: {', '.join(chosen) or 'defaults'}"
    for figure in recipe.figures:
        yield f"- At its end: {code(f'{figure.stage} {figure.name}')} {figure.value:.4g}"


def _all_scores(card: ModelCard) -> Iterator[str]:
    if not card.scores:
        yield "It has not been measured here."
        return
    for scores in card.scores:
        yield from _scores(scores)
        yield ""
    yield "What is counted:"
    yield ""
    for name, protocol in card.protocols.items():
        yield f"- {code(name)}: {plain(protocol)}"


def _scores(scores: CardScores) -> Iterator[str]:
    splits = ", ".join(map(code, scores.splits))
    yield f"### {splits} of {code(scores.dataset)}"
    yield ""
    day = f", {scores.finished_at:%Y-%m-%d}" if scores.finished_at else ""
    yield (
        f"{scores.documents} documents of {code(scores.dataset_id)} (version "
        f"{code((scores.dataset_version or 'unknown')[:12])}), evaluation "
        f"{code(scores.evaluation_id)}{day}. Mean F1 of the headline measures (in bold): "
        f"{percent(scores.f1)} %; {scores.latency.documents_per_second:.0f} documents a second."
    )
    if asked := scores.options.model_dump(exclude_defaults=True):
        yield ""
        yield f"Asked with {', '.join(f'{code(k)} {code(_value(v))}' for k, v in asked.items())}."
    yield ""
    yield from score_table(
        {
            (task.value, name, name == scores.headline.get(task)): score
            for task, measures in scores.scores.items()
            for name, score in measures.items()
        }
    )
    for comparison in scores.comparisons:
        yield ""
        yield (
            f"{code(comparison.model)} against {code(comparison.baseline)}, "
            f"{comparison.task.value}: {comparison.difference * 100:+.1f} points of F1, 95 % "
            f"interval {comparison.low * 100:+.1f} to {comparison.high * 100:+.1f}, "
            f"p = {comparison.p_value:.3g}."
        )
    for warning in scores.warnings:
        yield ""
        yield f"**Warning:** {plain(warning.detail)}"


def _value(option: object) -> str:
    if isinstance(option, list):
        return ", ".join(map(str, option)) or "none"
    return str(option)


def score_table(rows: Mapping[tuple[str, str, bool], Score | None]) -> Iterator[str]:
    """A table with a row for each (task, measure, whether it is the headline)."""
    yield "| task | measure | precision | recall | F1 | found right | wrong | missed |"
    yield "|---|---|--:|--:|--:|--:|--:|--:|"
    for (task, measure, headline), score in rows.items():
        name = f"**{measure}**" if headline else measure
        if score is None:
            yield f"| {task} | {name} | | | not measurable | | | |"
            continue
        shares = " | ".join(map(percent, (score.precision, score.recall, score.f1)))
        yield f"| {task} | {name} | {shares} | {score.tp} | {score.fp} | {score.fn} |"
