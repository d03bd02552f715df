"""BioC XML in constant memory; nothing is fetched, and no entity is ever expanded.

The shape is that of `bioc`. A DOCTYPE that names BioC.dtd is fine; a file that declares entities
of its own, or uses any, is refused.
"""

from collections.abc import Iterable, Iterator
from typing import Any, BinaryIO

from lxml import etree

from app.corpora.bioc import read_document, to_raw
from app.corpora.documents import Document
from app.corpora.parts import Parts, write_parts
from app.corpora.problems import Report, problem
from app.corpora.streams import DocumentStream, DocumentTooLargeError

_HEAD = b"""<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE collection SYSTEM "BioC.dtd">
<collection><source>Medtune</source><date></date><key></key>
"""
# Numbers of libxml2's errors (xmlerror.h).
_EMPTY, _PREMATURE_END, _RESOURCE_LIMIT = 4, 77, 114
_UNDECLARED_ENTITY = (26, 27)
_CODES = {9: "invalid_character", 81: "bad_utf8"}
_LISTS = {"passage": "passages", "sentence": "sentences", "annotation": "annotations"}
_LISTS |= {"relation": "relations", "location": "locations", "node": "nodes"}

_ATTRIBUTES = {
    "annotation": ("id",),
    "relation": ("id",),
    "location": ("offset", "length"),
    "node": ("refid", "role"),
}


def read(stream: BinaryIO, report: Report) -> Iterator[tuple[str | None, Document]]:
    """The documents with their splits, one by one; problems go to `report`."""
    source = DocumentStream(stream, report)
    # Typed loosely, as the stubs know nothing of the attribute error_log.
    events: Any = etree.iterparse(
        source,
        events=("start", "end"),
        tag=("collection", "document"),
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        huge_tree=False,
        remove_comments=True,
        remove_pis=True,
    )
    try:
        yield from _documents(events, source, report)
    except DocumentTooLargeError:
        report(problem("too_large"))
    except etree.XMLSyntaxError as error:
        if not _uses_entities(events, report):
            report(problem(_code(error, source), line=error.lineno or None))


def write(documents: Iterable[tuple[str | None, Document]], out: BinaryIO) -> None:
    """Write one collection; the split is an infon of each document."""
    write_parts(PARTS, documents, out)


def _part(split: str | None, document: Document) -> bytes:
    return etree.tostring(_element("document", to_raw(split, document)), encoding="utf-8") + b"\n"


PARTS = Parts(_HEAD, _part, b"", b"</collection>\n")


def _documents(
    events: Any, source: DocumentStream, report: Report
) -> Iterator[tuple[str | None, Document]]:
    collection: dict[str, Any] = {}
    for event, element in events:
        if event == "start" and element.tag == "collection" and _declares_entities(element):
            report(problem("entity_declaration", line=1))
            return
        if event == "start" or element.tag == "collection":
            continue
        if _uses_entities(events, report):
            return
        collection = collection or {"infons": _infons(element.getparent())}
        if found := read_document(_raw(element), collection, element.sourceline, report):
            yield found
        _forget(element)
        source.restart()


def _code(error: etree.XMLSyntaxError, source: DocumentStream) -> str:
    number: int | None = getattr(error, "code", None)
    if number == _RESOURCE_LIMIT and "entity" in str(error):
        return "entity_declaration"
    if number == _RESOURCE_LIMIT and "depth" in str(error):
        return "nested_too_deeply"  # more than 256 levels, says libxml2
    # A cut in the middle of a tag looks like bad syntax, but at the end of the input.
    cut = source.ended and source.last not in (b">", b"") and number != _EMPTY
    if cut or number == _PREMATURE_END:
        return "truncated_xml"
    return _CODES.get(number or 0, "malformed_xml")


def _declares_entities(element: etree._Element) -> bool:
    dtd: Any = element.getroottree().docinfo.internalDTD
    return dtd is not None and any(True for _ in dtd.iterentities())


def _uses_entities(events: Any, report: Report) -> bool:
    for entry in events.error_log:
        if entry.type in _UNDECLARED_ENTITY:
            report(problem("entity_declaration", line=entry.line))
            return True
    return False


def _forget(element: etree._Element) -> None:
    element.clear()
    parent = element.getparent()
    while parent is not None and element.getprevious() is not None:
        del parent[0]


def _infons(element: etree._Element | None) -> dict[str, str]:
    found = () if element is None else element.iterchildren("infon")
    return {infon.get("key", ""): _text(infon) for infon in found}


def _text(element: etree._Element) -> str:
    return "".join(map(str, element.itertext())) if len(element) else element.text or ""


def _raw(element: etree._Element) -> dict[str, Any]:
    # Asked for one by one, as listing the attributes takes lxml the square of their number.
    named = ((name, element.get(name)) for name in _ATTRIBUTES.get(str(element.tag), ()))
    raw: dict[str, Any] = {name: value for name, value in named if value is not None}
    raw |= {"line": element.sourceline, "infons": {}}
    for child in element:
        if child.tag == "infon":
            raw["infons"][child.get("key", "")] = _text(child)
        elif child.tag in _LISTS:
            raw.setdefault(_LISTS[child.tag], []).append(_raw(child))
        else:
            raw[child.tag] = _text(child)
    return raw


def _element(tag: str, raw: dict[str, Any]) -> etree._Element:
    element = etree.Element(tag)
    if tag in ("annotation", "relation"):
        element.set("id", raw["id"])
    elif tag == "document":
        etree.SubElement(element, "id").text = raw["id"]
    for key, value in raw["infons"].items():
        etree.SubElement(element, "infon", key=key).text = value
    if "offset" in raw:
        etree.SubElement(element, "offset").text = str(raw["offset"])
    for location in raw.get("locations", ()):
        etree.SubElement(element, "location", {key: str(n) for key, n in location.items()})
    if "text" in raw:
        etree.SubElement(element, "text").text = raw["text"]
    for child in ("passage", "annotation", "relation"):
        element.extend([_element(child, row) for row in raw.get(child + "s", ())])
    return element
