"""JSON documents one at a time, whatever their layout and however broken the file."""

import io
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.corpora.json_stream import records
from app.corpora.problems import Problem
from tests.corpora.samples import codes


def read(data: bytes, *lists: str) -> tuple[list[tuple[int, Any]], list[Problem]]:
    problems: list[Problem] = []
    found = [(line, value) for line, value, _ in records(io.BytesIO(data), problems.append, lists)]
    return found, problems


class Drops(io.BytesIO):
    """A stream that gives a few bytes at a time."""

    def read(self, size: int | None = -1) -> bytes:
        return super().read(3)


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**18), 10**18) | st.text(max_size=10),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=10,
)


@given(st.lists(VALUES, max_size=5), st.sampled_from([None, 2]))
def test_the_items_of_a_list(values: list[Any], indent: int | None) -> None:
    data = json.dumps(values, indent=indent).encode("utf-8", "surrogatepass")
    for stream in (io.BytesIO(data), Drops(data)):
        problems: list[Problem] = []
        assert [record.value for record in records(stream, problems.append)] == values
        assert problems == []


@given(st.lists(st.dictionaries(st.text(max_size=5), VALUES, max_size=3), max_size=5))
def test_objects_one_after_another_and_inside_an_object(values: list[dict[str, Any]]) -> None:
    lines = "\n".join(map(json.dumps, values)).encode()
    whole = json.dumps({"a": 1, "rows": values, "b": [{}]}).encode()
    problems: list[Problem] = []
    for data, lists in ((lines, ()), (lines, ("nowhere",)), (whole, ("rows",))):
        for stream in (io.BytesIO(data), Drops(data)):
            assert [r.value for r in records(stream, problems.append, lists)] == values
    assert problems == []


def test_lines_are_those_the_values_begin_on() -> None:
    found, problems = read(b'\n[\n\n{"a":\n1},\n\n[],\n2]\n')
    assert found == [(4, {"a": 1}), (7, []), (8, 2)]
    assert problems == []


def test_what_comes_before_a_list_is_known_to_its_items() -> None:
    data = b'{"infons": {"split": "dev"}, "rows": [{}, {}], "key": 1}'
    found = records(io.BytesIO(data), lambda _: None, ("rows",))
    assert [dict(record.around) for record in found] == [{"infons": {"split": "dev"}}] * 2


def test_a_cut_anywhere_is_one_problem_at_the_last_line() -> None:
    whole = '[\n{"a": [1, "\\u00e9é", true, -1.5e3]},\n{"b": null}\n]'.encode()
    for size in range(1, len(whole)):
        _, problems = read(whole[:size])
        kinds = [code for code, _ in codes(problems)]
        assert kinds[-1] == "truncated_json", size
        assert problems[-1].line in (2, 3, whole[:size].count(b"\n") + 1)


def test_a_cut_anywhere_inside_an_object_around_the_list() -> None:
    whole = b'{"key": "", "rows": [{}, {"a": 1}], "infons": {}}'
    for size in range(1, len(whole)):
        assert codes(read(whole[:size], "rows")[1]) == [("truncated_json", 1)], size


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b'[{},\n{"a" 1},\n{}]', [("malformed_json", 2)]),
        (b"[{}\n{}]", [("malformed_json", 2)]),
        (b"[]\n[]", [("malformed_json", 2)]),
        (b"[]\n}", [("malformed_json", 2)]),
        (b"{}\n5", [("malformed_json", 2)]),
        (b"null", [("malformed_json", 1)]),
        (b"<xml/>", [("malformed_json", 1)]),
        (b'[{"a": "\n"}]', [("malformed_json", 1)]),
        (b'[{"a": "\\x"}]', [("malformed_json", 1)]),
        (b'["a\xff",\n"b"\n]', [("bad_utf8", 1)]),
        (b"\xef\xbb\xbf[]", [("byte_order_mark", 1)]),
        (b"\xef\xbb\xbf", [("byte_order_mark", 1)]),
        (b"[" * 4_000_000, [("nested_too_deeply", 1)]),
        (b'{"a":' * 500_000, [("nested_too_deeply", 1)]),
        (b"[[" + b"9" * 10_000_000 + b"]]", [("too_large", 1)]),
        (b'["' + b"a" * 10_000_000 + b'"]', [("too_large", 1)]),
        (b"\n" * 10_000_000, [("too_large", 2**21 + 2**16 + 1)]),
        (b"", []),
        (b" \n", []),
        (b"[]", []),
    ],
)
@pytest.mark.parametrize("lists", [(), ("rows",)])
def test_what_is_broken_is_named(
    data: bytes, expected: list[tuple[str, int]], lists: tuple[str, ...]
) -> None:
    assert codes(read(data, *lists)[1]) == expected


def test_a_number_of_any_length_does_no_harm() -> None:
    """int() refuses more than 4,300 digits, and other parsers crash."""
    found, problems = read(b'[{"a": ' + b"9" * 5000 + b"}, 1]")
    assert found == [(1, {"a": float("inf")}), (1, 1)]
    assert problems == []


def test_only_the_first_bytes_of_a_file_are_a_byte_order_mark() -> None:
    found = records(Drops('["a\ufeffb"]'.encode()), lambda _: None)
    assert [record.value for record in found] == ["a\ufeffb"]


def test_reading_goes_on_at_the_next_line_that_opens_an_object() -> None:
    data = b'{"a": 1}\n{"a": oops}\n{"a": 3}\n{"a": [\n{"a": 5}\n'
    found, problems = read(data)
    assert found == [(1, {"a": 1}), (3, {"a": 3}), (5, {"a": 5})]
    assert codes(problems) == [("malformed_json", 2), ("truncated_json", 6)]


def test_a_line_too_large_does_not_hide_the_next() -> None:
    found, problems = read(b'{"a": "' + b"x" * 5_000_000 + b'"}\n{"a": 2}\n')
    assert found == [(2, {"a": 2})]
    assert codes(problems) == [("too_large", 1)]


def test_a_file_of_broken_lines_only_is_given_up() -> None:
    """Looking for the end of an object costs; a file of such must not cost for ever."""
    _, problems = read(b'{"a": [\n' * 10_000)
    assert len(problems) == 100
