"""What a model is not for, and what it is not good at: partly known beforehand, partly measured."""

from collections.abc import Iterator, Sequence

from app.evaluations.card_schemas import CardLimit, CardScores, ModelCard
from app.evaluations.schemas import Score
from app.prompts.tasks import Task

FEW_DOCUMENTS = 100
_WEAK = 0.9  # above it a lowest recall or precision is not worth a warning
# Trained there, a model has names and identifiers of its own; others only take them from outside.
_LEARNS_IDENTIFIERS = "local"


def limits(card: ModelCard) -> list[CardLimit]:
    """All limits that follow from what stands on the card."""
    found = (*_intended_use(card), *_training(card), *_identifiers(card), *_measured(card))
    return [CardLimit(code=code, detail=detail) for code, detail in found]


def _intended_use(card: ModelCard) -> Iterator[tuple[str, str]]:
    yield (
        "review_needed",
        "A tool for text mining and curation: a person has to review what it finds before a "
        "clinical or regulatory decision rests on it.",
    )
    yield (
        "domain",
        "English titles and abstracts of biomedical articles. How it does on full articles, "
        "clinical notes, social media or other languages is not known until it is measured there.",
    )
    if missing := [task.value for task in Task if task not in card.model.tasks]:
        yield "tasks", f"It does not extract {' or '.join(missing)}."
    if card.model.retired_on is not None:
        yield "retired", f"Its backend has retired it on {card.model.retired_on}."


def _training(card: ModelCard) -> Iterator[tuple[str, str]]:
    if card.data is None:
        yield (
            "training_unknown",
            "A base model: what it was made from, and whether documents it is measured on were "
            "part of that, is not known here.",
        )
        return
    if card.data.documents < FEW_DOCUMENTS:
        yield (
            "few_documents",
            f"Trained on {card.data.documents} documents: names and phrases it has not seen are "
            "missed more often than scores on similar documents suggest.",
        )
    if card.data.licence is None:
        yield "licence_unknown", "The licence of the training data is not known to Medtune."
    own = card.data.dataset_id
    if card.scores and all(each.dataset_id == own for each in card.scores):
        yield (
            "same_source",
            "Measured only on the dataset it was trained on a part of: documents of another "
            "source, annotated by others, usually give lower scores.",
        )


def _identifiers(card: ModelCard) -> Iterator[tuple[str, str]]:
    if card.vocabularies:
        yield (
            "identifiers",
            "Identifiers are those of its training data and of its vocabularies as they were when "
            "indexed; what is in neither gets none, or a similar name's.",
        )
    elif card.model.kind == "tuned" and card.model.backend == _LEARNS_IDENTIFIERS:
        yield (
            "identifiers",
            "Identifiers are only those of its training data, for names like those seen there, "
            "unless an extraction names vocabularies.",
        )
    else:
        yield (
            "identifiers",
            "It gives no identifiers by itself, only those of vocabularies that an extraction "
            "names.",
        )


def _measured(card: ModelCard) -> Iterator[tuple[str, str]]:
    if not card.scores:
        yield "not_measured", "No evaluation has measured it here."
        return
    seen = [each for each in card.scores if each.overlap and each.overlap.documents]
    if len(seen) == len(card.scores):
        yield (
            "measured_on_training_documents",
            "Each evaluation has documents it was trained on: its scores on new documents are "
            "lower.",
        )
    newest = _most_telling(card.scores)
    where = f"on {', '.join(newest.splits)} of {newest.dataset_id}"
    lowest = [
        (score.recall, "low_recall", f"of the annotated {task.value} are missed", measure)
        for task, measure, score in _headline(newest)
        if score.tp + score.fn
    ]
    least_precise = [
        (score.precision, "low_precision", f"of the {task.value} found are not annotated", measure)
        for task, measure, score in _headline(newest)
        if score.tp + score.fp
    ]
    for weakness in (lowest, least_precise):
        value, code, what, measure = min(weakness, default=(1.0, "", "", ""))
        if value < _WEAK:
            yield code, f"{(1 - value) * 100:.0f} % {what} ({measure}, {where})."
    for task, causes in newest.errors.items():
        if causes and (most := max(causes.items(), key=lambda each: each[1]))[1]:
            share = f"{most[1] / sum(causes.values()) * 100:.0f} %"
            detail = f"The most frequent error in {task.value} is {most[0]}: {share} of all."
            yield "frequent_error", detail
    if newest.ungrounded:
        yield (
            "ungrounded",
            f"It has named {newest.ungrounded} things that the {newest.documents} documents "
            "evaluated do not hold; extractions list such apart.",
        )


def _most_telling(scores: Sequence[CardScores]) -> CardScores:
    """The newest without documents it was trained on, and best of all with all that it finds.

    With `min_precision` recall is given away on purpose.
    """
    unseen = [each for each in scores if not (each.overlap and each.overlap.documents)] or scores
    return next((each for each in unseen if each.options.min_precision is None), unseen[0])


def _headline(scores: CardScores) -> Iterator[tuple[Task, str, Score]]:
    for task, measure in scores.headline.items():
        if (score := scores.scores[task].get(measure)) is not None:
            yield task, measure, score
