"""Inputs of any size from a small corpus: its documents again and again, no two of them the same.

Each has an id of its own, and at its end a word that is in no other: as in real literature, what is
kept of words met before never has them all.
"""

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import count, islice
from pathlib import Path

from app.corpora import pubtator
from app.corpora.documents import Document

_SYLLABLES = [consonant + vowel for consonant in "bdfgklmnprstvz" for vowel in "aeiou"]
_FIRST_ID = 50_000_000


def documents_of(corpus: Path) -> list[Document]:
    """What a corpus folder has in its `train` and `dev`."""
    found: list[Document] = []
    for split in ("train", "dev"):
        with (corpus / f"{split}.pubtator.txt").open("rb") as file:
            found += [document for _, document in pubtator.read(file, lambda _: None)]
    return found


def endless(documents: Sequence[Document], first: int = 0) -> Iterator[Document]:
    """These documents for ever; annotations stay true, since only the end of the text grows."""
    for number in count(first):
        document = documents[number % len(documents)]
        *before, last = document.passages
        last = replace(last, text=f"{last.text} {word(number).capitalize()}.")
        passages = (*before, last)
        yield replace(document, id=str(_FIRST_ID + number), passages=passages)


def word(number: int) -> str:
    """A made-up word, another one for each number up to 24 million."""
    syllables = []
    for _ in range(4):
        number, rest = divmod(number, len(_SYLLABLES))
        syllables.append(_SYLLABLES[rest])
    return "".join(syllables)


def write_pubtator(documents: Iterable[Document], path: Path, most_bytes: float) -> int:
    """Write documents until a file is so large; how many they are."""
    written = number = 0
    with path.open("wb") as out:
        for document in documents:
            part = pubtator.PARTS.document(None, document)
            if written + len(part) > most_bytes:
                break
            written += out.write(part)
            number += 1
    return number


def write_texts(documents: Iterable[Document], path: Path, number: int) -> None:
    """Write the whole texts of so many documents as the JSONL that a batch takes."""
    with path.open("w") as out:
        for document in islice(documents, number):
            out.write(json.dumps({"id": document.id, "text": document.text}) + "\n")
