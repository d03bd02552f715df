"""Training rows (JSONL, prompt/completion or chat) read as annotated documents.

    {"prompt": "...", "completion": "- a\\n- b"}
    {"messages": [{"role": "System", ...}, {"role": "User", ...}, {"role": "Chatbot", ...}]}

made with a template in `templates`; optional keys are `id` and `split`. All rows of one text are
one document of one passage (`abstract`), wherever in the file they stand. As the last row may
belong to the first text, documents come after the whole file was read, in the order of their first
rows: each text is held in memory once, its answers beside it.

Rows name things but number nothing, so identifiers are made of names (`identifier`), and relations
hold between those.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from hashlib import blake2b, sha256
from typing import BinaryIO

from app.corpora.documents import NAME, Document, MentionType
from app.corpora.draft import Draft
from app.corpora.formats import Format
from app.corpora.json_stream import records
from app.corpora.problems import Code, Problem, Report, problem
from app.corpora.shapes import MalformedError, Raw, split_name, string, table
from app.prompts.ground import ground
from app.prompts.parse import (
    Asked,
    ChatError,
    parse_chat,
    parse_completion,
    parse_prompt,
    parse_relation,
)
from app.prompts.tasks import MENTION_TASKS, Task
from app.prompts.templates import BUILT_IN, Template

ROW_CODES: dict[str, Code] = {
    "malformed_csv": Code(
        "error",
        "the CSV cannot be read",
        "Begin with a header that names prompt and completion; quote fields that hold delimiters, "
        "quotes or line breaks, and double the quotes inside.",
    ),
    "wrong_roles": Code(
        "error",
        "the messages of the row are not a conversation to learn from",
        "Use the roles System, User and Chatbot, once each, in this order and spelling.",
    ),
    "unknown_prompt": Code(
        "error",
        "the prompt is in the words of no template",
        "Write instruction, blank line, text, blank line and output instruction as documented.",
    ),
    "answer_line_not_understood": Code(
        "warning", "a line of the answer is not an item", "Begin each item with '- '."
    ),
    "item_not_in_text": Code(
        "warning",
        "an item of the answer has no place of its own in the text",
        "It was left out; write items as they stand in the text.",
    ),
    "relation_not_understood": Code(
        "warning",
        "an item of the relations does not name a chemical and a disease",
        "It was left out; write 'Chemical X influences disease Y'.",
    ),
}

_MAX_NAME = 160


@dataclass(slots=True)
class _Gathered:
    """What the rows of one text say: items by task, each with the line it was first given in."""

    line: int
    own_id: str
    text: str
    id: str = ""
    split: str | None = None
    template: Template = BUILT_IN
    items: dict[Task, dict[str, int]] = field(default_factory=lambda: {task: {} for task in Task})


def read(stream: BinaryIO, report: Report) -> Iterator[tuple[str | None, Document]]:
    """The documents with their splits; problems go to `report`."""
    yield from documents(((line, raw) for line, raw, _ in records(stream, report)), report)


def documents(
    rows: Iterable[tuple[int, object]], report: Report
) -> Iterator[tuple[str | None, Document]]:
    """The documents, with their splits, of rows with their lines, whatever file they come from.

    A document's id is that of the first of its rows that has an `id`, or made of the number of its
    first row and of its text's hash: the rows of another file of the data set have other ids.
    """
    gathered: dict[bytes, _Gathered] = {}
    for number, (line, raw) in enumerate(rows, start=1):
        try:
            row = table(raw, "row")
            asked, answer = _asked_and_answer(row)
            if asked is None:
                report(row_problem("unknown_prompt", line=line))
            elif not asked.text.strip():
                report(problem("empty_text", line=line))
            else:
                key = blake2b(asked.text.encode(errors="surrogatepass"), digest_size=16).digest()
                own_id = f"row-{number}-{key[:4].hex()}"
                about = gathered.setdefault(key, _Gathered(line, own_id, asked.text))
                _name(about, row, line, report)
                _gather(about, asked, answer, line, report)
        except ChatError as error:
            report(row_problem("wrong_roles", str(error), line=line))
        except MalformedError as error:
            report(problem("malformed_document", str(error), line=line))
    for about in gathered.values():
        if document := _document(about, report):
            yield about.split, document


def identifier(name: str) -> str:
    """The concept that a name stands for: `NAME:` and the case-folded name.

    White space and `|` become `_` and what is not printable is left out, as in every identifier; a
    very long name ends with its hash instead.
    """
    folded = "_".join(re.split(r"[\s|]+", name.casefold()))
    printable = "".join(character for character in folded if character.isprintable())
    if len(printable) > _MAX_NAME:
        digest = sha256(folded.encode(errors="surrogatepass")).hexdigest()
        printable = f"{printable[:_MAX_NAME]}~{digest[:16]}"
    return NAME + printable


def _asked_and_answer(row: Raw) -> tuple[Asked | None, str]:
    if "messages" in row:
        return parse_chat(row["messages"])
    if "prompt" not in row or "completion" not in row:
        raise MalformedError("neither 'prompt' and 'completion' nor 'messages' are there")
    return parse_prompt(string(row, "prompt")), string(row, "completion")


def _name(about: _Gathered, row: Raw, line: int, report: Report) -> None:
    """Take over the row's id and split."""
    about.id = about.id or string(row, "id", "")
    split = split_name(row.get("split"))
    if about.split and split and split != about.split:
        report(problem("document_in_two_splits", line=line, document_id=_id(about)))
    about.split = about.split or split


def _id(about: _Gathered) -> str:
    return about.id or about.own_id


def _gather(about: _Gathered, asked: Asked, answer: str, line: int, report: Report) -> None:
    listed = parse_completion(answer)
    if listed.not_understood:
        detail = f"{len(listed.not_understood)}, the first is line {listed.not_understood[0]} of it"
        report(row_problem("answer_line_not_understood", detail, line=line, document_id=_id(about)))
    for item in listed.items:
        about.items[asked.task].setdefault(item, line)
    if asked.task is Task.RELATIONS:
        about.template = asked.template


def _document(about: _Gathered, report: Report) -> Document | None:
    draft = Draft(_id(about), report, about.line)
    draft.add_passage("abstract", about.text, line=about.line)
    if not draft.passages:
        return None
    for task, type_ in MENTION_TASKS.items():
        for line in _add_mentions(draft, about.text, about.items[task], type_):
            report(row_problem("item_not_in_text", line=line, document_id=draft.id or None))
    chemicals, diseases = about.items[Task.CHEMICALS], about.items[Task.DISEASES]
    for item, line in about.items[Task.RELATIONS].items():
        pair = parse_relation(item, chemicals, diseases, about.template)
        if pair is None:
            report(row_problem("relation_not_understood", line=line, document_id=draft.id or None))
        else:
            chemical, disease = map(identifier, pair)
            draft.add_relation((chemical,), (disease,), "CID", line)
    return draft.document()


def _add_mentions(
    draft: Draft, text: str, items: Mapping[str, int], type_: MentionType
) -> list[int]:
    """Add a mention for each place of each item; give back the lines of items without one.

    Medtune's own rows list every spelling of a name, so that only what is nowhere as it is written
    is looked for in other spellings.
    """
    exact = ground(items, text, upto="exact")
    taken = [(span.start, span.end) for span in exact.spans]
    other = ground(exact.ungrounded, text, upto="normalised", taken=taken)
    for span in (*exact.spans, *other.spans):
        draft.add_mention(span.start, span.end, None, type_, (identifier(span.item),))
    return [items[item] for item in other.ungrounded]


def row_problem(
    code: str, detail: str = "", *, line: int | None, document_id: str | None = None
) -> Problem:
    """A problem of a code in `ROW_CODES`, as `problem` makes one of `CODES`."""
    severity, meaning, hint = ROW_CODES[code]
    message = f"{meaning}: {detail}" if detail else meaning
    return Problem(severity, code, line, document_id, message, hint)


FORMAT = Format("jsonl", "Prompt or chat rows", "application/jsonl", ".jsonl", read, None)
