"""Texts annotated by batches of chats, where a Cohere server offers them.

What it does not offer is remembered for as long as this process lives: batches at all, for one
model, or with answers held to a schema. Then chats are asked, or lists instead of JSON.
"""

import asyncio
from collections.abc import Mapping, Sequence

from app.backends.base import Annotations, BackendError, ExtractOptions
from app.backends.cohere.batch_output import Outcomes, RefusedError
from app.backends.cohere.batch_pace import BatchPace
from app.backends.cohere.batch_rows import Key, Rows, unanswered
from app.backends.cohere.batch_runs import BatchRuns
from app.backends.cohere.chat import Chat
from app.backends.cohere.client import CohereClient
from app.backends.cohere.requests import remote_name
from app.backends.generation import Question, Reply
from app.backends.generation.annotate import read
from app.backends.linking import linked, refuse_min_precision
from app.prompts.tasks import Task

Answer = Annotations | BackendError


class CohereBatches:
    """The batches of one backend; `name` is the backend's."""

    def __init__(
        self, client: CohereClient, chat: Chat, name: str, *, pace: BatchPace | None = None
    ) -> None:
        self._chat = chat
        self._name = name
        self._runs = BatchRuns(client, name, pace or BatchPace())
        self._offered: bool | None = None
        self._takes_schema = True
        self._refused_models: set[str] = set()
        # Whether anything is left on the server of what has been asked here and is to be dropped.
        self._left: dict[str, bool] = {}

    async def extract(
        self,
        reference: str,
        model: str,
        texts: Sequence[str],
        tasks: frozenset[Task],
        options: ExtractOptions,
        *,
        json_mode: bool,
    ) -> list[Answer] | None:
        """What the model finds in each text, or why nothing; None: ask with chats.

        Raises BackendError; if that is `retryable`, or this was cancelled, asking again goes on
        where it was. Answers, and the texts, stay on the server until `drop`.
        """
        refuse_min_precision(options)
        self._left.pop(reference, None)
        while await self._offers(model):
            # If rows cannot ask for a schema, lists do as well, unless JSON is what is wanted.
            if options.mode == "json" and options.template is None and not self._takes_schema:
                return None
            rows = Rows(
                texts,
                tasks,
                options,
                json_mode=json_mode and self._takes_schema,
                key=self._chat.schema_key,
            )
            try:
                outcomes = Outcomes({})
                if rows.questions:
                    outcomes = await self._runs.run(remote_name(reference), model, rows)
            except RefusedError as refused:
                self._note(refused, model, rows)
                continue
            self._left[reference] = bool(rows.questions)
            return await self._annotated(texts, rows, outcomes, options)
        self._left[reference] = False
        return None

    async def drop(self, reference: str) -> None:
        """Cancel the batch and leave no text on the server, should it offer batches at all.

        Raises BackendError.
        """
        if self._left.pop(reference, self._offered is not False):
            await self._runs.drop(remote_name(reference))

    async def _offers(self, model: str) -> bool:
        """Whether to try; asks the server once, before any text is sent. Raises BackendError."""
        if self._offered is None:
            try:
                await self._runs.probe()
            except RefusedError:
                self._offered = False
            else:
                self._offered = True
        return self._offered and model not in self._refused_models

    def _note(self, refused: RefusedError, model: str, rows: Rows) -> None:
        """Remember it; after this something is asked for that was not, or nothing."""
        if refused.what == "server":
            self._offered = False
        elif refused.what == "rows" and rows.ask_for_schema:
            self._takes_schema = False
        else:
            self._refused_models.add(model)

    async def _annotated(
        self, texts: Sequence[str], rows: Rows, outcomes: Outcomes, options: ExtractOptions
    ) -> list[Answer]:
        missing = unanswered(self._name, cancelled=outcomes.cancelled)
        asked: list[dict[Task, Question]] = [{} for _ in texts]
        for (position, task), question in rows.questions.items():
            asked[position][task] = question

        def read_all() -> list[Answer]:
            return [
                _answer(text, position, asked[position], outcomes.of, missing, options)
                for position, text in enumerate(texts)
            ]

        answers = await asyncio.to_thread(read_all)
        found = {i: each for i, each in enumerate(answers) if isinstance(each, Annotations)}
        named = await linked(list(found.values()), [texts[i] for i in found], options)
        for i, annotations in zip(found, named, strict=True):
            answers[i] = annotations
        return answers


def _answer(
    text: str,
    position: int,
    asked: Mapping[Task, Question],
    outcomes: Mapping[Key, Reply | BackendError],
    missing: BackendError,
    options: ExtractOptions,
) -> Answer:
    """The annotations of a text, if all that was asked about it was answered."""
    answers = {}
    for task, question in asked.items():
        outcome = outcomes.get((position, task), missing)
        if isinstance(outcome, BackendError):
            return outcome
        answers[task] = question, outcome
    return read(text, answers, options)
