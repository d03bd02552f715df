"""Concept identifiers as files write them and as we keep them (CURIEs).

Bare ids are MeSH: `D003000` is `MESH:D003000`. Several are joined by `|`; `-1`, `-` and nothing
at all stand for "no concept known".
"""

from app.corpora.documents import MESH

# The most that one mention may have; BC5CDR has up to 6.
MOST = 50

_NONE = ("", "-1", "-")


def curies(field: str) -> tuple[str, ...]:
    """The identifiers of one field, in order; ids that mean "unknown" are left out."""
    if field in _NONE:
        return ()
    if "|" in field:
        return tuple(curie for part in field.split("|") for curie in curies(part))
    if ":" not in field:
        field = field.strip()
        return () if field in _NONE else (MESH + field,)
    prefix, _, local = field.partition(":")
    prefix, local = prefix.strip(), local.strip()
    if local in _NONE:
        return ()
    if prefix.upper() in ("", "MESH"):
        prefix = "MESH"
    return (f"{prefix}:{local}",)


def usable(identifiers: tuple[str, ...]) -> bool:
    """Whether all can be written in any format: few, short, printable, without space or `|`."""
    return len(identifiers) <= MOST and all(
        len(curie) <= 200 and curie.isprintable() and not (set(curie) & set(" |"))
        for curie in identifiers
    )


def bare(curie: str) -> str:
    """The identifier as files write it: MeSH without prefix, every other as it is."""
    local = curie.removeprefix(MESH)
    return curie if ":" in local else local


def field(identifiers: tuple[str, ...]) -> str:
    """All identifiers of a mention in one field; `-1` for none. The inverse of `curies`."""
    return "|".join(map(bare, identifiers)) or "-1"
