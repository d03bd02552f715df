"""BioC XML and JSON: the same content in two notations."""

import json
from typing import Any

import pytest
from bioc import biocjson  # type: ignore[import-untyped]

from app.corpora.bioc import to_raw
from tests.corpora.samples import ABSTRACT, SAMPLE, TITLE, codes, read, written

DOCTYPE = '<!DOCTYPE collection SYSTEM "BioC.dtd">'


def xml(*documents: str, doctype: str = DOCTYPE, attributes: str = "") -> bytes:
    """A collection; the documents begin on line 3."""
    return f"{doctype}\n<collection{attributes}>\n{''.join(documents)}</collection>".encode()


def document(text: str = "a", inside: str = "", *, head: str = "", tail: str = "") -> str:
    """One document of one passage; its annotations begin on the line after it."""
    return (
        f"<document><id>1</id>{head}<passage><infon key='type'>title</infon>"
        f"<offset>0</offset><text>{text}</text>\n{inside}</passage>{tail}</document>\n"
    )


def annotation(text: str, *spans: tuple[Any, Any], **infons: str) -> str:
    """An annotation in XML."""
    infons = {"type": "Disease", "MESH": "D1"} | infons
    return (
        "<annotation id='0'>"
        + "".join(f"<infon key='{key}'>{value}</infon>" for key, value in infons.items())
        + "".join(f"<location offset='{start}' length='{length}'/>" for start, length in spans)
        + f"<text>{text}</text></annotation>\n"
    )


def test_xml_is_written_as_bc5cdr_has_it() -> None:
    assert written("bioc_xml", [("dev", SAMPLE)]).decode() == (
        '<?xml version="1.0" encoding="UTF-8"?>\n<!DOCTYPE collection SYSTEM "BioC.dtd">\n'
        "<collection><source>Medtune</source><date></date><key></key>\n"
        '<document><id>42</id><infon key="split">dev</infon>'
        '<passage><infon key="type">title</infon><offset>0</offset>'
        f"<text>{TITLE}</text>"
        '<annotation id="0"><infon key="type">Chemical</infon><infon key="MESH">D001241</infon>'
        '<location offset="8" length="7"/><text>aspirin</text></annotation></passage>'
        '<passage><infon key="type">abstract</infon><offset>17</offset>'
        f"<text>{ABSTRACT}</text>"
        '<annotation id="1"><infon key="type">Disease</infon>'
        '<infon key="identifier">D051437|OMIM:1</infon>'
        '<infon key="parts">renal failure|hepatic failure</infon>'
        '<location offset="27" length="25"/><text>renal and hepatic failure</text></annotation>'
        '<annotation id="2"><infon key="type">Disease</infon><infon key="MESH">-1</infon>'
        '<location offset="62" length="4"/><text>rats</text></annotation></passage>'
        '<relation id="R0"><infon key="relation">CID</infon><infon key="Chemical">D001241</infon>'
        '<infon key="Disease">D051437</infon></relation></document>\n</collection>\n'
    )


def test_json_is_read_by_the_bioc_package() -> None:
    """The package loads whole files, so it is no part of the program, but a good judge of it."""
    collection = biocjson.loads(written("bioc_json", [("dev", SAMPLE)]).decode())
    (found,) = collection.documents
    assert (found.id, found.infons) == ("42", {"split": "dev"})
    assert [passage.text for passage in found.passages] == [TITLE, ABSTRACT]
    assert found.passages[1].annotations[0].total_span.offset == 27


@pytest.mark.parametrize(
    "data",
    [
        json.dumps([to_raw("dev", SAMPLE)]),
        json.dumps([to_raw("dev", SAMPLE)], indent=2),
        json.dumps(to_raw("dev", SAMPLE)),
        json.dumps(to_raw("dev", SAMPLE), indent=2),
        json.dumps({"infons": {"split": "dev"}, "documents": [to_raw(None, SAMPLE)]}),
        json.dumps({"infons": {"split": "x"}, "documents": [to_raw("dev", SAMPLE)], "key": ""}),
        json.dumps({"PubTator3": [to_raw("dev", SAMPLE)]}),
    ],
)
def test_json_may_be_a_collection_a_list_or_one_document(data: str) -> None:
    assert read("bioc_json", data.encode()) == ([("dev", SAMPLE)], [])


def test_json_may_be_one_document_a_line() -> None:
    line = json.dumps(to_raw("dev", SAMPLE)) + "\n"
    assert read("bioc_json", (line * 3).encode()) == ([("dev", SAMPLE)] * 3, [])


def test_the_split_may_be_an_infon_of_the_xml_collection() -> None:
    data = xml("<infon key='split'>dev</infon>", document(), document())
    assert [split for split, _ in read("bioc_xml", data)[0]] == ["dev", "dev"]


@pytest.mark.parametrize(
    ("infons", "expected"),
    [
        ({"MESH": "D1|D2"}, ("MESH:D1", "MESH:D2")),
        ({"MESH": "-1"}, ()),
        ({"MESH": ""}, ()),
        ({"identifier": "MESH:D1"}, ("MESH:D1",)),
        ({"identifier": "D1|OMIM:2"}, ("MESH:D1", "OMIM:2")),
        ({"identifier": "-"}, ()),
        ({"MESH": "D1", "OMIM": "2|3"}, ("MESH:D1", "OMIM:2", "OMIM:3")),
    ],
)
def test_identifiers_come_from_the_usual_infons(
    infons: dict[str, str], expected: tuple[str, ...]
) -> None:
    mention = annotation("ab", (0, 2), **infons)
    if "MESH" not in infons:
        mention = mention.replace("<infon key='MESH'>D1</infon>", "")
    found, problems = read("bioc_xml", xml(document("ab cd", mention)))
    assert problems == []
    assert found[0][1].mentions[0].identifiers == expected


@pytest.mark.parametrize("text", ["ab ef", "abef", "ab cd ef"])
def test_fragments_become_their_outer_span(text: str) -> None:
    mention = annotation(text, (0, 2), (6, 2))
    found, problems = read("bioc_xml", xml(document("ab cd ef", mention)))
    assert problems == []
    assert [(m.start, m.end, m.text) for m in found[0][1].mentions] == [(0, 8, "ab cd ef")]


def test_fragments_are_checked_piece_by_piece() -> None:
    mention = annotation("ab cd", (0, 2), (6, 2))
    _, problems = read("bioc_xml", xml(document("ab cd ef", mention)))
    assert codes(problems) == [("offset_mismatch", 4)]


def test_parts_annotated_on_their_own_are_no_mentions() -> None:
    """The published corpus has a composite mention and, beside it, an annotation of each part."""
    whole = annotation("ab cd", (0, 5), CompositeRole="CompositeMention")
    part = annotation("ab", (0, 2), CompositeRole="IndividualMention")
    found, problems = read("bioc_xml", xml(document("ab cd", whole + part)))
    assert problems == []
    assert [mention.text for mention in found[0][1].mentions] == ["ab cd"]


def test_relations_may_point_at_annotations() -> None:
    raw = to_raw(None, SAMPLE)
    raw["relations"] = [
        {
            "infons": {"type": "CID"},
            "nodes": [{"refid": "0", "role": "chemical"}, {"refid": "1", "role": "disease"}],
        }
    ]
    found, problems = read("bioc_json", json.dumps([raw]).encode())
    assert problems == []
    assert [(r.chemical, r.disease, r.type) for r in found[0][1].relations] == [
        ("MESH:D001241", "MESH:D051437", "CID"),
        ("MESH:D001241", "OMIM:1", "CID"),
    ]


def test_sentences_stand_in_for_a_text() -> None:
    data = xml(
        "<document><id>1</id><passage><offset>0</offset>"
        "<sentence><offset>0</offset><text>Ab.</text></sentence>"
        "<sentence><offset>5</offset><text>Cd.</text>",
        annotation("Cd", (5, 2)),
        "</sentence></passage></document>",
    )
    found, problems = read("bioc_xml", data)
    assert problems == []
    assert found[0][1].text == "Ab.  Cd."
    assert found[0][1].mentions[0].text == "Cd"


@pytest.mark.parametrize(
    ("mention", "code"),
    [
        (annotation("xx", (0, 2)), "offset_mismatch"),
        (annotation("ab", (0, 99)), "span_outside_document"),
        (annotation("ab", (-2, 2)), "span_outside_document"),
        (annotation("ab", (10**30, 2)), "span_outside_document"),
        (annotation("ab"), "span_outside_document"),
        (annotation("ab", ("one", 2)), "malformed_document"),
        (annotation("ab", ("9" * 5000, 2)), "malformed_document"),
        (annotation("ab", (0, 2), type="Gene"), "unknown_type"),
        (annotation("ab", (0, 2), MESH="D 1"), "bad_identifier"),
    ],
)
def test_every_bad_annotation_is_named_with_its_line(mention: str, code: str) -> None:
    data = xml(document("ab cd", mention + annotation("cd", (3, 2))))
    found, problems = read("bioc_xml", data)
    assert codes(problems) == [(code, 4)]
    assert [m.text for m in found[0][1].mentions] == ["cd"]


@pytest.mark.parametrize("offset", ["-1", "0", "1", "10003", "99999999999"])
def test_passages_must_follow_each_other(offset: str) -> None:
    """An offset far away would be a text of a hundred billion spaces."""
    second = f"<passage><offset>{offset}</offset><text>b</text></passage>"
    found, problems = read("bioc_xml", xml(document("ab", tail=second)))
    assert codes(problems) == [("bad_passage_offset", 4)]
    assert len(found[0][1].text) < 10


@pytest.mark.parametrize(
    "data",
    [
        xml(document("a &nbsp; b")),
        xml(document("a &nbsp; b"), doctype=""),
        xml(document("a", head="<infon key='&nbsp;'>x</infon>")),
        xml(document(), doctype='<!DOCTYPE collection [<!ENTITY a "b">]>'),
        xml(
            document("&a;"),
            doctype='<!DOCTYPE collection [<!ENTITY a SYSTEM "file:///etc/hosts">]>',
        ),
        xml(
            document(), doctype='<!DOCTYPE collection [<!ENTITY % a SYSTEM "http://[::1]:1/"> %a;]>'
        ),
    ],
)
def test_entities_are_refused(data: bytes) -> None:
    found, problems = read("bioc_xml", data)
    assert found == []
    assert [problem.code for problem in problems] == ["entity_declaration"]


@pytest.mark.parametrize("place", ["text", "attribute", "root"])
def test_a_billion_laughs_stay_unlaughed(place: str) -> None:
    names = "abcdefghij"
    entities = "".join(
        f'<!ENTITY {name} "{f"&{names[n - 1]};" * 10 if n else "ha"}">'
        for n, name in enumerate(names)
    )
    data = xml(
        document("&j;") if place == "text" else document(),
        doctype=f"<!DOCTYPE collection [{entities}]>",
        attributes=" x='&j;'" if place == "attribute" else "",
    )
    if place == "root":
        data = data.replace(b"<collection", b"<other x='&j;'").replace(b"</coll", b"</other></coll")
    found, problems = read("bioc_xml", data)
    assert found == []
    assert [problem.code for problem in problems] == ["entity_declaration"]


def test_xml_may_be_in_any_encoding_and_hold_comments() -> None:
    head = "<?xml version='1.0' encoding='{}'?>"
    text = "caf\xe9<!-- c --> <?p i?><![CDATA[<&>]]> &lt;&#233;"
    for encoding in ("iso-8859-1", "utf-16", "utf-8"):
        data = head.format(encoding) + xml(document(text)).decode()
        found, problems = read("bioc_xml", data.encode(encoding))
        assert problems == []
        assert found[0][1].text == "caf\xe9 <&> <\xe9"


def test_truncated_xml_is_told_from_malformed_xml() -> None:
    whole = xml(document("ab", annotation("ab", (0, 2))), document("cd"))
    for size in range(whole.index(b"<collection") + 1, len(whole)):
        _, problems = read("bioc_xml", whole[:size])
        assert [problem.code for problem in problems] == ["truncated_xml"]
        assert problems[0].line == whole[:size].count(b"\n") + 1


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", "malformed_xml"),
        (b"no xml", "malformed_xml"),
        (b"[1]", "malformed_xml"),
        (xml("<a></b>"), "malformed_xml"),
        (xml("a & b"), "malformed_xml"),
        (xml() + b"<more/>", "malformed_xml"),
        (xml(document("a\x00b")), "invalid_character"),
        (xml(document("a&#1;b")), "invalid_character"),
        (xml(document("a&#xd800;b")), "invalid_character"),
        (xml(document("ab")).replace(b"ab", b"a\xff"), "bad_utf8"),
        (xml("<a>" * 1_000_000), "nested_too_deeply"),
        (xml("<a/>" * 1_000_000), "too_large"),
        (xml(document("x" * 11_000_000)), "too_large"),
        (xml(document("x" * 1_000_001)), "too_large"),
    ],
)
def test_broken_xml_is_one_problem(data: bytes, code: str) -> None:
    found, problems = read("bioc_xml", data)
    assert [problem.code for problem in problems] == [code]
    assert sum(len(document.text) for _, document in found) == 0


def test_lines_are_right_beyond_the_65535th() -> None:
    """libxml2 once kept line numbers in 16 bits."""
    data = xml(document(), "\n" * 100_000, document("ab", annotation("xx", (0, 2))))
    assert codes(read("bioc_xml", data)[1]) == [("offset_mismatch", 100_006)]


def test_json_of_another_shape_is_named_document_by_document() -> None:
    good = to_raw(None, SAMPLE)
    bad: list[Any] = [
        1,
        [],
        {"id": "1", "passages": 5},
        {"id": "1", "passages": [5]},
        {"id": "1", "passages": [{"text": "a"}]},
        {"id": "1", "passages": [{"offset": True, "text": "a"}]},
        {"id": "1", "passages": [{"offset": 0, "text": []}]},
        {"id": "1", "passages": [{"offset": 0, "infons": [], "text": "a"}]},
        {"id": True, "passages": []},
        {"id": "1", "infons": {"split": 1.5}},
        {"id": "1", "infons": {"split": "a\nb"}},
    ]
    rows = [row for raw in bad for row in (raw, good)]
    found, problems = read(
        "bioc_json", "\n".join(["[", ",\n".join(map(json.dumps, rows)), "]"]).encode()
    )
    assert found == [(None, SAMPLE)] * len(bad)
    assert codes(problems) == [("malformed_document", 2 * n + 2) for n in range(len(bad))]
