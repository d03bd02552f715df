"""MeSH descriptors and supplementary concept records as XML, in constant memory.

The format is that of desc2025.xml and supp2025.xml (nlm.nih.gov/mesh/xmlmesh.html). Nothing is
fetched and no entity is expanded: a DOCTYPE may name NLM's DTD, but a file that declares entities
of its own, or uses any, is refused.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import BinaryIO
from xml.parsers import expat

from app.corpora.documents import MentionType
from app.corpora.streams import MAX_DOCUMENT_BYTES
from app.terminology.concepts import Concept, VocabularyError
from app.terminology.fields import curie, names

_CHUNK = 2**16
_DEEPEST = 100  # the format itself has nine levels
_TERM = "ConceptList/Concept/TermList/Term/String"
_TREE = "TreeNumberList/TreeNumber"
# Trees of MeSH: C has the diseases, F03 the mental disorders, D the chemicals and drugs.
_TREES: dict[str, MentionType] = {"C": "Disease", "F03": "Disease", "D": "Chemical"}
# Classes of supplementary records; the others are protocols, organisms, populations and organs.
_CLASSES: dict[str, MentionType] = {"1": "Chemical", "3": "Disease"}


@dataclass(slots=True)
class _Record:
    """What was read of the record so far: texts by the path of their element."""

    line: int
    attributes: dict[str, str]
    texts: dict[str, list[str]] = field(default_factory=dict)


def _descriptor_type(record: _Record) -> MentionType | None:
    numbers = [number.strip() for number in record.texts.get(_TREE, ())]
    for tree, type_ in _TREES.items():
        if any(number.startswith(tree) for number in numbers):
            return type_
    return None


def _supplementary_type(record: _Record) -> MentionType | None:
    # The DTD's default is 1.
    return _CLASSES.get(record.attributes.get("SCRClass", "1"))


def read_descriptors(stream: BinaryIO) -> Iterator[Concept]:
    """The descriptors, typed by the trees they stand in. Raises VocabularyError."""
    reader = _Reader("Descriptor", "DescriptorUI", "DescriptorName/String", _descriptor_type)
    return reader.read(stream)


def read_supplementary(stream: BinaryIO) -> Iterator[Concept]:
    """The supplementary concept records, typed by their class. Raises VocabularyError."""
    name = "SupplementalRecordName/String"
    return _Reader("Supplemental", "SupplementalRecordUI", name, _supplementary_type).read(stream)


class _Reader:
    """Reads a set of `kind` records; it never holds more than the records of one chunk.

    `identifier` and `name` are paths of elements inside a record.
    """

    def __init__(
        self,
        kind: str,
        identifier: str,
        name: str,
        type_of: Callable[[_Record], MentionType | None],
    ) -> None:
        self._kind = kind
        self._identifier = identifier
        self._name = name
        self._type_of = type_of
        # What else is in elements of these names is kept apart by its path.
        self._tags = {path.rpartition("/")[2] for path in (identifier, name, _TERM, _TREE)}
        self._found: list[Concept] = []
        self._path: list[str] = []
        self._record: _Record | None = None
        self._text: list[str] | None = None
        self._parser = expat.ParserCreate()
        self._parser.buffer_text = True
        self._parser.StartElementHandler = self._start
        self._parser.EndElementHandler = self._end
        self._parser.CharacterDataHandler = self._characters
        self._parser.EntityDeclHandler = self._refuse_entity
        self._parser.SkippedEntityHandler = self._refuse_entity

    def read(self, stream: BinaryIO) -> Iterator[Concept]:
        unfinished = 0
        while chunk := stream.read(_CHUNK):
            self._parse(chunk)
            unfinished = 0 if self._found else unfinished + len(chunk)
            if unfinished > MAX_DOCUMENT_BYTES:
                detail = f"A record is longer than {MAX_DOCUMENT_BYTES} bytes."
                raise VocabularyError("record_too_long", detail, self._line)
            yield from self._found
            self._found.clear()
        self._parse(b"")

    @property
    def _line(self) -> int:
        return self._parser.CurrentLineNumber

    def _parse(self, chunk: bytes) -> None:
        try:
            self._parser.Parse(chunk, not chunk)
        except expat.ExpatError as error:
            code, detail = "malformed_xml", "The XML is not well formed."
            if not chunk:
                code, detail = "truncated_xml", "The XML ends too early."
            raise VocabularyError(code, detail, error.lineno) from None
        except (LookupError, ValueError):
            detail = "The encoding that the XML declares is not supported."
            raise VocabularyError("bad_encoding", detail, 1) from None

    def _start(self, tag: str, attributes: dict[str, str]) -> None:
        self._path.append(tag)
        depth = len(self._path)
        if depth > _DEEPEST:
            detail = f"The XML has more than {_DEEPEST} levels."
            raise VocabularyError("nested_too_deeply", detail, self._line)
        if depth == 1 and tag != f"{self._kind}RecordSet":
            detail = f"The XML has to be a {self._kind}RecordSet."
            raise VocabularyError("wrong_format", detail, self._line)
        if depth == 2 and tag == f"{self._kind}Record":
            self._record = _Record(self._line, attributes)
        elif self._record and tag in self._tags:
            self._text = []

    def _characters(self, text: str) -> None:
        if self._text is not None:
            self._text.append(text)

    def _end(self, _tag: str) -> None:
        if self._record and self._text is not None:
            path = "/".join(self._path[2:])
            self._record.texts.setdefault(path, []).append("".join(self._text))
            self._text = None
        self._path.pop()
        if self._record and len(self._path) == 1:
            self._found.append(self._concept(self._record))
            self._record = None

    def _concept(self, record: _Record) -> Concept:
        texts, line = record.texts, record.line
        identifier = curie("".join(texts.get(self._identifier, ())), line)
        type_ = self._type_of(record)
        if type_ is None:
            return Concept(identifier, None, ())
        written = [*texts.get(self._name, ()), *texts.get(_TERM, ())]
        return Concept(identifier, type_, names(written, line))

    def _refuse_entity(self, *_: object) -> None:
        detail = "The XML declares or uses entities of its own, which are never expanded."
        raise VocabularyError("entity_declaration", detail, self._line)
