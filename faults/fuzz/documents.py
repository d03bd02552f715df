"""What has to hold of files with documents, whatever their bytes are.

Readers report and never raise; offsets hold; what passes validation is read back from every format
that loses nothing as it was.
"""

import io

from app.corpora.canonical import dumps, loads
from app.corpora.documents import Document
from app.corpora.formats import FORMATS as CORPUS_FORMATS
from app.corpora.formats import detect
from app.corpora.problems import CODES, Problem
from app.corpora.validation import Validator
from app.datasets.formats import FORMATS
from app.prompts.rows import ROW_CODES

_KNOWN = CODES.keys() | ROW_CODES.keys()
_LONGEST_MESSAGE = 300
# PubTator has room for one title and one abstract without line breaks.
_LOSSLESS = ("bioc_xml", "bioc_json", "bigbio_json")

Pairs = list[tuple[str | None, Document]]


def check(format_: str, data: bytes) -> None:
    """Read a file of this format, validate it, write it in every format and read that."""
    detect(data)
    pairs, problems = _read(format_, data)
    validator = Validator()
    for split, document in pairs:
        problems += validator.check(split, document)
        assert loads(dumps(document)) == document
        for mention in document.mentions:
            assert document.text[mention.start : mention.end] == mention.text
    problems += validator.finish()
    for problem in problems:
        assert problem.code in _KNOWN
        assert problem.line is None or problem.line > 0
        assert len(problem.message) < _LONGEST_MESSAGE
    whole = not any(problem.severity == "error" for problem in problems)
    for target in CORPUS_FORMATS:
        written = _written(target, pairs)
        if whole and pairs and target in _LOSSLESS:
            again, found = _read(target, written)
            assert again == pairs, target
            assert not any(problem.severity == "error" for problem in found), target
        elif whole:
            _read(target, written)


def _read(format_: str, data: bytes) -> tuple[Pairs, list[Problem]]:
    problems: list[Problem] = []
    return list(FORMATS[format_].read(io.BytesIO(data), problems.append)), problems


def _written(format_: str, pairs: Pairs) -> bytes:
    out = io.BytesIO()
    write = FORMATS[format_].write
    assert write is not None
    write(pairs, out)
    return out.getvalue()
