"""The formats a vocabulary may come in, and which of them a file is in."""

from collections.abc import Iterator
from enum import StrEnum
from typing import BinaryIO

from app.corpora.documents import MentionType
from app.corpora.streams import BYTE_ORDER_MARK
from app.terminology import ctd, mesh_xml, plain
from app.terminology.concepts import Concept, VocabularyError

# How much of a file `detect` should be given: more than the comments that CTD begins with.
HEAD = 2**16


class VocabularyFormat(StrEnum):
    """How a vocabulary is written; each but `plain` says of each concept what it is."""

    MESH_DESCRIPTORS = "mesh_descriptors"
    MESH_SUPPLEMENTARY = "mesh_supplementary"
    CTD_CHEMICALS = "ctd_chemicals"
    CTD_DISEASES = "ctd_diseases"
    PLAIN = "plain"


_ROOTS = {
    b"<DescriptorRecordSet": VocabularyFormat.MESH_DESCRIPTORS,
    b"<SupplementalRecordSet": VocabularyFormat.MESH_SUPPLEMENTARY,
}
_CTD: dict[VocabularyFormat, MentionType] = {
    VocabularyFormat.CTD_CHEMICALS: "Chemical",
    VocabularyFormat.CTD_DISEASES: "Disease",
}


def detect(head: bytes, filename: str) -> VocabularyFormat | None:
    """The format of a file by its first bytes (`HEAD` of them, unpacked), else by CTD's file names.

    None if it is none of them.
    """
    head = head.removeprefix(BYTE_ORDER_MARK)
    if head.lstrip().startswith(b"<"):
        return next((format_ for root, format_ in _ROOTS.items() if root in head), None)
    # Of the last line there may be a part only, of its last character too.
    lines = head.decode("utf-8", "ignore").splitlines()
    stem = filename.lower().split(".")[0]
    for format_, type_ in _CTD.items():
        if stem == format_ or any(ctd.header(line, type_) for line in lines):
            return format_
    first = next((line for line in lines if line.strip() and not line.startswith("#")), "")
    return VocabularyFormat.PLAIN if plain.matches(first) else None


def read(
    stream: BinaryIO, format_: VocabularyFormat, type_: MentionType | None
) -> Iterator[Concept]:
    """The concepts of an unpacked file, one by one.

    `type_` is that of all concepts of a plain file, and required there; the other formats take no
    notice of it. Raises VocabularyError, and what the stream raises.
    """
    match format_:
        case VocabularyFormat.MESH_DESCRIPTORS:
            return mesh_xml.read_descriptors(stream)
        case VocabularyFormat.MESH_SUPPLEMENTARY:
            return mesh_xml.read_supplementary(stream)
        case VocabularyFormat.PLAIN:
            if type_ is None:
                detail = "A plain vocabulary needs the type of its concepts: Chemical or Disease."
                raise VocabularyError("type_missing", detail)
            return plain.read(stream, type_)
        case VocabularyFormat.CTD_CHEMICALS | VocabularyFormat.CTD_DISEASES:
            return ctd.read(stream, _CTD[format_])
