"""A small corpus to train on within a second, written for the tests.

Marked text: `[C1 text]` is a mention of the chemical `MESH:C1`, `[D2 text]` of the disease
`MESH:D2`; `[C text]` and `[D text]` have no identifier.
"""

import re

from app.corpora.documents import Document, Mention, MentionType, Passage, Relation

_MARK = re.compile(r"\[([CD])(\d*) ([^\]]+)\]")
_TYPES: dict[str, MentionType] = {"C": "Chemical", "D": "Disease"}

_CHEMICALS = ("lumarol", "tavenide", "osprexin", "belcamine", "quorazole", "fenidrate")
_DISEASES = ("tremor", "jaundice", "asthma", "anaemia", "insomnia", "nephritis")


def unmarked(text: str, start: int = 0) -> tuple[str, list[Mention]]:
    """The text without marks, and its mentions, with offsets as if it began at `start`."""
    plain = ""
    mentions = []
    at = 0
    for mark in _MARK.finditer(text):
        plain += text[at : mark.start()]
        begin = start + len(plain)
        plain += mark[3]
        identifiers = (f"MESH:{mark[1]}{mark[2]}",) if mark[2] else ()
        end = start + len(plain)
        mentions.append(Mention(begin, end, mark[3], _TYPES[mark[1]], identifiers))
        at = mark.end()
    return plain + text[at:], mentions


def document(name: str, title: str, abstract: str, *pairs: str) -> Document:
    """A document of marked passages; a pair `C1 D2` says that the one induces the other."""
    title, in_title = unmarked(title)
    abstract, in_abstract = unmarked(abstract, len(title) + 1)
    passages = (Passage("title", 0, title), Passage("abstract", len(title) + 1, abstract))
    relations = (Relation(*(f"MESH:{side}" for side in pair.split())) for pair in pairs)
    return Document(name, passages, (*in_title, *in_abstract), tuple(relations))


def small_corpus() -> list[Document]:
    """Twelve documents: one disease a drug brings about, and another that it is given for."""
    documents = []
    for number in range(12):
        chemical = number % len(_CHEMICALS)
        cause = (number + number // 6) % len(_DISEASES)
        reason = (cause + 2) % len(_DISEASES)
        drug = f"[C{chemical} {_CHEMICALS[chemical]}]"
        effect = f"[D{cause} {_DISEASES[cause]}]"
        illness = f"[D{reason} {_DISEASES[reason]}]"
        documents.append(
            document(
                f"doc{number}",
                f"{drug.replace(' l', ' L')}-induced {effect} in an adult.",
                f"We saw {effect} after {drug} was given. The patient took {drug} for {illness}. "
                f"When {drug} was stopped, {effect} went away. {illness} had been known for years.",
                f"C{chemical} D{cause}",
            )
        )
    return documents
