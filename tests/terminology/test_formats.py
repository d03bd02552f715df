"""Every format gives the concepts that are in the file, and is known by its beginning."""

import io

import pytest

from app.corpora.documents import MentionType
from app.terminology.concepts import Concept, VocabularyError
from app.terminology.formats import HEAD, VocabularyFormat, detect, read
from tests.terminology import samples

ZORVEXIN = Concept("MESH:D900002", "Chemical", ("Zorvexin", "ZVX", "Zorvexine"))
EXPECTED: dict[VocabularyFormat, tuple[bytes, list[Concept]]] = {
    VocabularyFormat.MESH_DESCRIPTORS: (
        samples.MESH_DESCRIPTORS,
        [
            Concept(
                "MESH:D900001",
                "Disease",
                ("Zorvexin Poisoning", "Poisoning, Zorvexin", "Grönlund & Havik's Disease"),
            ),
            Concept("MESH:D900002", "Chemical", ("Zorvexin", "alpha-Zorvexin")),
            Concept("MESH:D900003", "Disease", ("Melancholic Dread",)),
            Concept("MESH:D900004", None, ()),
            Concept("MESH:D900005", None, ()),
        ],
    ),
    VocabularyFormat.MESH_SUPPLEMENTARY: (
        samples.MESH_SUPPLEMENTARY,
        [
            Concept("MESH:C900001", "Chemical", ("norzorvexin", "N-0-ZVX")),
            Concept("MESH:C900002", None, ()),
            Concept("MESH:C900003", "Disease", ("Havik syndrome", "HVKS")),
            Concept("MESH:C900004", None, ()),
        ],
    ),
    VocabularyFormat.CTD_CHEMICALS: (
        samples.CTD_CHEMICALS,
        [ZORVEXIN, Concept("MESH:C900001", "Chemical", ("norzorvexin",))],
    ),
    VocabularyFormat.CTD_DISEASES: (
        samples.CTD_DISEASES,
        [
            Concept("OMIM:999001", "Disease", ("Havik syndrome", "HVKS")),
            Concept("MESH:D900001", "Disease", ("Zorvexin Poisoning",)),
        ],
    ),
    VocabularyFormat.PLAIN: (
        samples.PLAIN,
        [
            Concept("MESH:D900002", "Chemical", ("Zorvexin", "zorvexin sulphate")),
            Concept("MESH:C900001", "Chemical", ("norzorvexin",)),
            Concept("OMIM:999001", "Chemical", ("Havik syndrome", "HVKS")),
        ],
    ),
}


def concepts(
    content: bytes, format_: VocabularyFormat, type_: MentionType | None = "Chemical"
) -> list[Concept]:
    """All concepts of a file."""
    return list(read(io.BytesIO(content), format_, type_))


@pytest.mark.parametrize("format_", EXPECTED)
def test_reads_every_concept(format_: VocabularyFormat) -> None:
    """With its type, its preferred name first, and no name of what it only refers to."""
    content, expected = EXPECTED[format_]
    assert concepts(content, format_) == expected


@pytest.mark.parametrize("format_", [VocabularyFormat.CTD_CHEMICALS, VocabularyFormat.PLAIN])
def test_windows_line_ends_and_a_byte_order_mark_change_nothing(format_: VocabularyFormat) -> None:
    """As an editor may have saved the file."""
    content, expected = EXPECTED[format_]
    saved = b"\xef\xbb\xbf" + content.replace(b"\n", b"\r\n")
    assert concepts(saved, format_) == expected
    assert detect(saved, "names") == format_


def test_joins_the_synonyms_of_both_origins() -> None:
    """CTD has two columns of synonyms since 2024; the identifiers are where they were."""
    content = samples.CTD_CHEMICALS_SPLIT
    assert concepts(content, VocabularyFormat.CTD_CHEMICALS) == [ZORVEXIN]
    assert detect(content, "names.tsv") == VocabularyFormat.CTD_CHEMICALS


def test_empty_columns_may_be_missing_at_the_end_of_a_line() -> None:
    """As some tools cut them off."""
    content = samples.CTD_DISEASES.replace(b"\tC25\tC\t\t\n", b"\n")
    assert content != samples.CTD_DISEASES
    expected = EXPECTED[VocabularyFormat.CTD_DISEASES][1]
    assert concepts(content, VocabularyFormat.CTD_DISEASES) == expected


def test_a_plain_file_needs_the_type_of_its_concepts() -> None:
    """Nothing in it says what they are; the other formats do without."""
    with pytest.raises(VocabularyError) as caught:
        concepts(samples.PLAIN, VocabularyFormat.PLAIN, None)
    assert caught.value.code == "type_missing"
    content, expected = EXPECTED[VocabularyFormat.CTD_DISEASES]
    assert concepts(content, VocabularyFormat.CTD_DISEASES, "Chemical") == expected


@pytest.mark.parametrize("format_", EXPECTED)
def test_detects_a_format_by_its_beginning(format_: VocabularyFormat) -> None:
    """Whatever the file is called, and when the beginning ends inside a character."""
    content = EXPECTED[format_][0]
    assert detect(content, "upload.bin") == format_
    start = content.index(b"Zorvexin") + 4
    assert detect(content[:start] + b"\xc3", "") == format_


@pytest.mark.parametrize(
    ("head", "filename"),
    [
        (b"", "CTD_genes.tsv"),
        (samples.CTD_ASSOCIATIONS, "CTD_chemicals_diseases.tsv"),
        (b"<collection><source/></collection>", "desc2025.xml"),
        (b"1|t|A title\n1|a|A text\n1\t0\t1\tA\tChemical\tD1\n", "corpus.txt"),
        (b'{"passages": []}', "corpus.json"),
        (b"name\tidentifier\n", "names.tsv"),
        (b"\x1f\x8b\x08" + bytes(50), "names.gz"),
    ],
)
def test_detects_nothing_in_other_files(head: bytes, filename: str) -> None:
    """Associations of CTD, corpora, tables of other columns, archives."""
    assert detect(head, filename) is None


def test_a_ctd_file_is_also_known_by_its_name() -> None:
    """So that one with a broken header is answered with what is wrong with it."""
    content = samples.CTD_CHEMICALS.replace(b"Synonyms", b"Names")
    assert detect(content[:HEAD], "CTD_chemicals.tsv") == VocabularyFormat.CTD_CHEMICALS
    with pytest.raises(VocabularyError) as caught:
        concepts(content, VocabularyFormat.CTD_CHEMICALS)
    assert (caught.value.code, caught.value.line) == ("bad_columns", 8)
