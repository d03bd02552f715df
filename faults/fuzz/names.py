"""What has to hold of vocabulary files, whatever their bytes are.

Only VocabularyError is raised; each concept has what the index needs; what the plain format can
hold is read back from it as it was.
"""

import io

from app.corpora.identifiers import usable
from app.terminology.concepts import Concept, VocabularyError
from app.terminology.formats import VocabularyFormat, detect, read
from app.terminology.names import grams, keys
from app.terminology.schema import LONGEST_COMPARED, hashed

_LONGEST_DETAIL = 300


def check(format_: VocabularyFormat, data: bytes) -> None:
    """Read a file of this format, and do with its names what the index does."""
    detect(data, "names.tsv")
    concepts: list[Concept] = []
    refused: VocabularyError | None = None
    try:
        concepts.extend(read(io.BytesIO(data), format_, "Chemical"))
    except VocabularyError as error:
        refused = error
    if refused is not None:
        assert len(refused.detail) < _LONGEST_DETAIL
        assert refused.line is None or refused.line > 0
        return
    for concept in concepts:
        assert usable((concept.identifier,))
        assert ":" in concept.identifier
        assert concept.type is None or concept.names
        for name in concept.names:
            assert name == " ".join(name.split()) != ""
            assert keys(name)
            name.encode()
            if concept.type is not None:
                assert all(hashed(concept.type, key) is not None for key in keys(name))
            if len(name) <= LONGEST_COMPARED:
                grams(name)
    # In a plain file a bar parts names, and a line that begins with # is a comment.
    plain = [
        c
        for c in concepts
        if c.type and not c.identifier.startswith("#") and not any("|" in n for n in c.names)
    ]
    text = "".join(f"{c.identifier}\t{'|'.join(c.names)}\n" for c in plain)
    again = list(read(io.BytesIO(text.encode()), VocabularyFormat.PLAIN, "Chemical"))
    assert [(c.identifier, c.names) for c in again] == [(c.identifier, c.names) for c in plain]
