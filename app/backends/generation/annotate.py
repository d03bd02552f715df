"""All tasks of all texts put to a model at once, and its answers put together again."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence

from app.backends.base import Annotations, ExtractOptions
from app.backends.generation.answers import Relation, read_names, read_relations
from app.backends.generation.grounding import Mentions, relate
from app.backends.generation.questions import Question, Reply, ask, wording
from app.backends.linking import linked, refuse_min_precision
from app.prompts.tasks import MENTION_TASKS, Task

Complete = Callable[[Question], Awaitable[Reply]]

# From so many code points of texts and answers on they are put together in a thread.
_THREAD_FROM = 20_000
_Answers = Mapping[Task, tuple[Question, Reply]]


async def annotate(
    texts: Sequence[str],
    tasks: frozenset[Task],
    options: ExtractOptions,
    *,
    json_mode: bool,
    complete: Complete,
    at_once: int = 64,
) -> list[Annotations]:
    """What the model finds in each text, in order.

    `json_mode`: the model can be held to a JSON schema. At most `at_once` questions are open at a
    time. The first of them to fail ends the others, and its exception is raised as it is; a text
    without words is not asked about. Raises BackendError `min_precision_unavailable`.
    """
    refuse_min_precision(options)
    asked = [
        [ask(text, task, options, json_mode=json_mode) for task in Task if task in tasks]
        if text.strip()
        else []
        for text in texts
    ]
    replies = iter(await _answered([q for of_text in asked for q in of_text], complete, at_once))
    answers = [{q.task: (q, next(replies)) for q in of_text} for of_text in asked]

    def read_all() -> list[Annotations]:
        return [read(*pair, options) for pair in zip(texts, answers, strict=True)]

    size = sum(map(len, texts)) + sum(len(r.text) for one in answers for _, r in one.values())
    found = read_all() if size < _THREAD_FROM else await asyncio.to_thread(read_all)
    return await linked(found, texts, options)


async def _answered(questions: Sequence[Question], complete: Complete, at_once: int) -> list[Reply]:
    """The answers to the questions, in order."""
    if len(questions) == 1:  # as most often: a task for it would only make the answer later
        return [await complete(questions[0])]
    gate = asyncio.Semaphore(at_once)

    async def answer(question: Question) -> Reply:
        async with gate:
            return await complete(question)

    try:
        async with asyncio.TaskGroup() as group:
            running = [group.create_task(answer(question)) for question in questions]
    except BaseExceptionGroup as failed:
        raise failed.exceptions[0] from None
    return [done.result() for done in running]


def read(text: str, answers: _Answers, options: ExtractOptions) -> Annotations:
    """The annotations of one text from the answers about it."""
    warnings: list[str] = []
    if options.template is not None and options.mode == "json":
        warnings.append("the model was tuned to answer with lists: json was not asked for")
    by_type = {type_: Mentions(text, type_) for type_ in MENTION_TASKS.values()}
    names: dict[Task, frozenset[str]] = dict.fromkeys(MENTION_TASKS, frozenset())
    ungrounded: list[tuple[Task, str]] = []
    for task in MENTION_TASKS:
        if task in answers:
            found = read_names(*answers[task])
            names[task] = frozenset(found.items)
            missing = by_type[MENTION_TASKS[task]].add(found.items)
            ungrounded += [(task, item) for item in missing]
            warnings += found.warnings
    relations: tuple[Relation, ...] = ()
    if Task.RELATIONS in answers:
        related = read_relations(
            *answers[Task.RELATIONS],
            wording(options),
            names[Task.CHEMICALS],
            names[Task.DISEASES],
        )
        relations = related.items
        warnings += related.warnings
        ungrounded += [(Task.RELATIONS, item) for item in related.not_understood]
    mentions, between, apart = relate(text, relations, by_type["Chemical"], by_type["Disease"])
    ungrounded += [(Task.RELATIONS, item) for item in apart]
    replies = [reply for _, reply in answers.values()]
    return Annotations(
        mentions=mentions,
        relations=between,
        ungrounded=tuple(ungrounded),
        warnings=tuple(warnings),
        input_tokens=sum(reply.input_tokens for reply in replies),
        output_tokens=sum(reply.output_tokens for reply in replies),
    )
