"""The `rules` base model: word endings and patterns, without any training.

It is the honest starting point that a tuned model is compared with: endings of drug and disease
names, some everyday names, the nouns that disease names end with, and causal words for relations,
all from general knowledge. It knows no concept identifiers but those of vocabularies, and gives no
scores. Time is linear in the text.
"""

import asyncio
import re
from collections.abc import Iterator, Sequence
from itertools import islice, product
from typing import NamedTuple

from pydantic import BaseModel

from app.backends import rule_words as known
from app.backends.base import (
    DEFAULT_OPTIONS,
    Annotations,
    BackendError,
    BaseModelInfo,
    ExtractOptions,
    FoundMention,
    FoundRelation,
    JobState,
    JobStatus,
    TrainingJob,
)
from app.backends.linking import linked, refuse_min_precision
from app.corpora.documents import MentionType
from app.corpora.tokens import sentences
from app.prompts.tasks import MENTION_TASKS, Task

_MODEL = BaseModelInfo(
    name="rules",
    description="Untrained baseline: word endings and patterns for names of diseases and drugs, "
    "and causal words for relations. Finds the regular names and misses the rest; gives no "
    "identifiers and no scores. Meant as the starting point to compare tuned models with.",
    tasks=frozenset(Task),
)
# Shorter texts are done before a thread would have started.
_THREAD_FROM = 20_000
_MAX_PAIRS_IN_SENTENCE = 100


_WORD = re.compile(r"[^\W_]+(?:['-][^\W_]+)*")
_MODIFIERS = 3
# "long form (LF)" right after a name; the same letters stand for it everywhere.
_DEFINED = re.compile(r"\s\(([^\W\d_][\w-]{1,9})\)")


class _Span(NamedTuple):
    start: int
    end: int
    type: MentionType


class RulesBackend:
    """A backend with one base model, `rules`, that cannot be trained."""

    name = "rules"
    configured = True
    setup_hint: str | None = None
    lists_all_models = True
    trainings_at_once = 1
    poll_seconds = 0.5

    @property
    def hyperparameters(self) -> type[BaseModel] | None:
        """None: there is nothing to train."""
        return None

    async def open(self) -> None:
        """There is nothing to load."""

    async def base_models(self) -> Sequence[BaseModelInfo]:
        """The one model there is."""
        return (_MODEL,)

    async def extract(
        self,
        model: str,
        texts: Sequence[str],
        tasks: frozenset[Task],
        options: ExtractOptions = DEFAULT_OPTIONS,
    ) -> list[Annotations]:
        """Annotate each text in order.

        Raises BackendError `model_not_found` for any other model, `min_precision_unavailable`.
        """
        if model != _MODEL.name:
            raise BackendError("model_not_found", "this backend has one model, 'rules'")
        refuse_min_precision(options)
        if sum(map(len, texts)) < _THREAD_FROM:
            found = [annotate(text, tasks) for text in texts]
        else:
            found = await asyncio.to_thread(lambda: [annotate(text, tasks) for text in texts])
        return await linked(found, texts, options)

    async def launch(self, job: TrainingJob) -> None:
        """BackendError `capability_unavailable`, always."""
        raise BackendError("capability_unavailable", "the rules baseline cannot be trained")

    async def poll(self, reference: str) -> JobState:
        """LOST: no job was ever launched here."""
        return JobState(JobStatus.LOST)

    async def cancel(self, reference: str) -> None:
        """There is nothing to stop."""

    async def forget(self, reference: str) -> None:
        """There is nothing to forget."""

    async def delete_model(self, model: str) -> None:
        """There is nothing to remove."""

    async def close(self) -> None:
        """There is nothing to close."""


def annotate(text: str, tasks: frozenset[Task]) -> Annotations:
    """What the rules find in one text.

    Mentions are those of the tasks asked for and those that relations name.
    """
    spans = _find(text)
    related = _relate(text, spans) if Task.RELATIONS in tasks else {}
    types = {MENTION_TASKS[task] for task in tasks if task in MENTION_TASKS}
    named = {index for pair in related for index in pair}
    kept = [i for i, span in enumerate(spans) if span.type in types or i in named]
    place = {old: new for new, old in enumerate(kept)}
    return Annotations(
        mentions=tuple(FoundMention(*spans[i]) for i in kept),
        relations=tuple(
            FoundRelation(place[chemical], place[disease], evidence=tuple(evidence))
            for (chemical, disease), evidence in related.items()
        ),
    )


def _find(text: str) -> list[_Span]:
    """All names in text order, none overlapping another."""
    # Not `list(...)`: one call into C over a long text would keep other threads waiting.
    words = [word for word in _WORD.finditer(text)]  # noqa: C416
    found = [*_diseases(text, words), *_chemicals(text, words)]
    defined = {
        short: span.type
        for span in found
        if (match := _DEFINED.match(text, span.end)) and _abbreviates(short := match[1], text, span)
    }
    found += [_Span(*w.span(), defined[w[0]]) for w in words if w[0] in defined]
    spans: list[_Span] = []
    for span in sorted(found, key=lambda span: (span.start, -span.end)):
        if not spans or spans[-1].end <= span.start:
            spans.append(span)
    return spans


def _abbreviates(short: str, text: str, span: _Span) -> bool:
    return short != short.lower() and short[0].lower() == text[span.start].lower()


def _chemicals(text: str, words: Sequence[re.Match[str]]) -> Iterator[_Span]:
    for index, word in enumerate(words):
        joined = known.JOINED.search(word[0])
        name = word[0][: joined.start()] if joined else word[0]
        lower = name.lower()
        salt = None if joined else _salt(text, words, index)
        acid = salt is not None and lower.endswith(("ic", "ium"))
        induces = joined is not None and joined["induces"] is not None
        if acid or _is_chemical(lower, induces=induces):
            end = salt.end() if salt else word.start() + len(name)
            yield _Span(word.start(), end, "Chemical")


def _salt(text: str, words: Sequence[re.Match[str]], index: int) -> re.Match[str] | None:
    """The word after `index`, if it goes on the name of a salt or an acid."""
    if index + 1 == len(words):
        return None
    after = words[index + 1]
    return after if after[0].lower() in known.SALTS and _adjoin(text, words[index], after) else None


def _is_chemical(lower: str, *, induces: bool) -> bool:
    if lower in known.CHEMICAL_NAMES:
        return True
    if lower in known.NOT_CHEMICAL or len(lower) < 3:
        return False
    if induces:
        return lower not in known.NOT_INDUCER and not _is_disease(lower)
    return len(lower) > 5 and _ends_with(known.CHEMICAL_ENDING, lower)


def _is_disease(lower: str) -> bool:
    if lower in known.DISEASE_NAMES:
        return True
    if lower in known.NOT_DISEASE or lower.startswith("anti"):
        return False
    return len(lower) > 5 and _ends_with(known.DISEASE_ENDING, lower)


def _ends_with(ending: re.Pattern[str], word: str) -> bool:
    # Looking at the last characters alone keeps it linear, whatever the word.
    return ending.search(word, max(0, len(word) - known.LONGEST_ENDING)) is not None


def _diseases(text: str, words: Sequence[re.Match[str]]) -> Iterator[_Span]:
    for index, word in enumerate(words):
        lower = word[0].lower()
        bare = lower in known.BARE_HEADS
        if not bare and not _is_disease(lower):
            continue
        first = index
        if bare or lower in known.HEADS:
            while first > max(0, index - _MODIFIERS) and _modifies(text, words, first - 1):
                first -= 1
        if first < index or not bare:
            yield _Span(words[first].start(), word.end(), "Disease")


def _modifies(text: str, words: Sequence[re.Match[str]], index: int) -> bool:
    """Whether a word is part of the disease name that goes on right after it."""
    lower = words[index][0].lower()
    if not _adjoin(text, words[index], words[index + 1]) or lower in known.NOT_MODIFIER:
        return False
    return lower in known.MODIFIER_NOUNS or known.ADJECTIVE.fullmatch(lower) is not None


def _adjoin(text: str, left: re.Match[str], right: re.Match[str]) -> bool:
    return right.start() - left.end() == 1 and text[left.end()] == " "


def _relate(text: str, spans: Sequence[_Span]) -> dict[tuple[int, int], list[tuple[int, int]]]:
    """Pairs of a chemical and a disease (indices of first mentions) and the sentences saying so."""
    related: dict[tuple[int, int], list[tuple[int, int]]] = {}
    first: dict[tuple[MentionType, str], int] = {}
    concepts = [
        first.setdefault((span.type, text[span.start : span.end].casefold()), index)
        for index, span in enumerate(spans)
    ]
    at = 0
    for start, end in sentences(text):
        inside: dict[MentionType, list[int]] = {"Chemical": [], "Disease": []}
        while at < len(spans) and spans[at].start < end:
            inside[spans[at].type].append(concepts[at])
            at += 1
        if known.TRIGGER.search(text, start, end):
            chemicals, diseases = (dict.fromkeys(names) for names in inside.values())
            for pair in islice(product(chemicals, diseases), _MAX_PAIRS_IN_SENTENCE):
                related.setdefault(pair, []).append((start, end))
    return related
