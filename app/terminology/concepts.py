"""Concepts and their names, as every reader yields them, and what may be wrong with a file."""

from dataclasses import dataclass

from app.corpora.documents import MentionType


@dataclass(frozen=True, slots=True)
class Concept:
    """One concept: `identifier` is a CURIE, the first of its `names` the preferred one.

    A concept that is neither chemical nor disease has no type; it is counted and left out.
    """

    identifier: str
    type: MentionType | None
    names: tuple[str, ...]


class VocabularyError(Exception):
    """A vocabulary cannot be read; `code` is stable, `detail` a sentence for clients.

    Neither holds anything that was read. `line` counts from 1, None where it is unknown.
    """

    def __init__(self, code: str, detail: str, line: int | None = None) -> None:
        super().__init__(detail if line is None else f"line {line}: {detail}")
        self.code = code
        self.detail = detail
        self.line = line
