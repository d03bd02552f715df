"""What only several documents together can have wrong: double ids, shared splits, shared text.

What one document alone can have wrong (offsets, types, relations) is found while it is read, where
the line is known: see `draft`.
"""

from collections.abc import Iterator

from app.corpora.documents import Document
from app.corpora.problems import Problem, problem
from app.corpora.seen import SeenTexts


class Validator:
    """Checks documents as they come; keeps their ids and a hash of each text, nothing else."""

    def __init__(self) -> None:
        self.documents = 0
        self._splits: dict[str, str | None] = {}
        self._texts = SeenTexts()
        self._names: list[str] = []  # by the numbers that go with the texts

    def check(
        self, split: str | None, document: Document, line: int | None = None
    ) -> Iterator[Problem]:
        """Every problem of this document in the light of those before; consume it all."""
        self.documents += 1
        name, text = document.id, document.text
        if not text or text.isspace():
            yield problem("empty_text", line=line, document_id=name or None)
        if not name:
            return  # Reported already; documents without a usable id are no duplicates.
        if name not in self._splits:
            self._splits[name] = split
        elif self._splits[name] == split:
            yield problem("duplicate_document", line=line, document_id=name)
        else:
            yield problem("document_in_two_splits", line=line, document_id=name)
        first = self._texts.first(text, len(self._names))
        if first == len(self._names):
            self._names.append(name)
        elif (other := self._names[first]) != name:
            yield problem("same_text", f"document {other}", line=line, document_id=name)

    def finish(self) -> Iterator[Problem]:
        """What is wrong once all documents were seen."""
        if not self.documents:
            yield problem("no_documents")
