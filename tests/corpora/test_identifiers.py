"""Identifiers in files and in memory."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.corpora.identifiers import bare, curies, field, usable
from tests.corpora.samples import curies as any_curies


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("D003000", ["MESH:D003000"]),
        ("MESH:D003000", ["MESH:D003000"]),
        ("mesh: D003000", ["MESH:D003000"]),
        (" D003000 ", ["MESH:D003000"]),
        (":D003000", ["MESH:D003000"]),
        ("OMIM:114500", ["OMIM:114500"]),
        ("D1|D2|OMIM:3", ["MESH:D1", "MESH:D2", "OMIM:3"]),
        ("D1|-1", ["MESH:D1"]),
        ("", []),
        ("-", []),
        ("-1", []),
        (" -1 ", []),
        ("MESH:-1", []),
        ("MESH:", []),
        ("|", []),
    ],
)
def test_a_field_as_curies(text: str, expected: list[str]) -> None:
    assert list(curies(text)) == expected


@given(st.lists(any_curies(), max_size=4).map(tuple))
def test_a_field_is_read_as_it_was_written(identifiers: tuple[str, ...]) -> None:
    assert curies(field(identifiers)) == identifiers
    assert usable(identifiers)


def test_only_mesh_loses_its_prefix() -> None:
    assert [bare("MESH:D1"), bare("OMIM:1"), bare("MESH:A:1")] == ["D1", "OMIM:1", "MESH:A:1"]
    assert field(()) == "-1"
