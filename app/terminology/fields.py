"""Identifiers and names as the fields of a file give them."""

import re
from collections.abc import Iterable
from itertools import islice

from app.corpora.identifiers import curies, usable
from app.terminology.concepts import VocabularyError

# Of one concept. Those of MeSH and CTD have some hundreds; a line has room for 500,000, whose keys
# and n-grams would take half a gigabyte.
MOST_NAMES = 5_000

# MeSH's have 6 or 9 digits; with 7 it is one of the UMLS.
_MESH = re.compile(r"(?!C\d{7}$)[CDM]\d+")


def curie(field: str, line: int) -> str:
    """The one identifier of a field, as CURIE; without a prefix it has to look like MeSH's.

    Raises VocabularyError (`bad_identifier`).
    """
    field = field.strip()
    found = curies(field) if ":" in field or _MESH.fullmatch(field) else ()
    if len(found) != 1 or not usable(found):
        detail = "There has to be one identifier with a prefix (`OMIM:125853`), or MeSH's without."
        raise VocabularyError("bad_identifier", detail, line)
    return found[0]


def names(fields: Iterable[str], line: int) -> tuple[str, ...]:
    """The names without repetition or needless white space, in order.

    Raises VocabularyError (`no_name`) if none is left, or for too many (`too_many_names`).
    """
    cleaned = (name for field in fields if (name := " ".join(field.split())))
    found = tuple(islice(dict.fromkeys(cleaned), MOST_NAMES + 1))
    if not found:
        raise VocabularyError("no_name", "The concept has no name.", line)
    if len(found) > MOST_NAMES:
        detail = f"The concept has more than {MOST_NAMES} names."
        raise VocabularyError("too_many_names", detail, line)
    return found
