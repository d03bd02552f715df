"""Uploads are unpacked within limits, whatever they claim about themselves."""

import gzip
import io
import zipfile
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.corpora.problems import CODES
from app.corpora.unpack import Limits, UnpackError, members

Contents = list[tuple[str, bytes]]


@pytest.fixture
def upload(tmp_path: Path) -> Path:
    return tmp_path / "upload"


def unpack(path: Path, name: str = "upload", limits: Limits | None = None) -> Contents:
    return [(member, stream.read()) for member, stream in members(path, name, limits)]


def zipped(*files: tuple[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as archive:
        for name, data in files:
            archive.writestr(name, data)
    return out.getvalue()


def refused(path: Path, limits: Limits | None = None) -> str:
    with pytest.raises(UnpackError) as error:
        unpack(path, limits=limits)
    assert error.value.code in CODES
    return error.value.code


@pytest.mark.parametrize("data", [b"", b"1|t|text\n", b"{}", b"PK no zip"])
def test_a_plain_file_is_itself(upload: Path, data: bytes) -> None:
    upload.write_bytes(data)
    assert unpack(upload, "a.txt") == [("a.txt", data)]


@pytest.mark.parametrize(("name", "inner"), [("a.txt.gz", "a.txt"), ("A.GZ", "A"), ("a", "a")])
def test_gzip_is_known_by_its_content(upload: Path, name: str, inner: str) -> None:
    upload.write_bytes(gzip.compress(b"one") + gzip.compress(b"two"))
    assert unpack(upload, name) == [(inner, b"onetwo")]


def test_a_zip_gives_its_files_one_after_another(upload: Path) -> None:
    files = [("train/a.txt", b"a" * 100_000), ("../../b", b""), ("/etc/c", b"c")]
    skipped = [("train/", b""), ("__MACOSX/a", b"x"), ("train/.DS_Store", b"x")]
    upload.write_bytes(zipped(*files, *skipped))
    assert unpack(upload) == files
    assert list(upload.parent.iterdir()) == [upload]


def test_streams_are_read_bit_by_bit(upload: Path) -> None:
    """Readers ask for lines and for chunks."""
    upload.write_bytes(zipped(("a", b"one\ntwo\n"), ("b", b"three\n")))
    lines = [[stream.readline(), stream.read(2)] for _, stream in members(upload, "x")]
    assert lines == [[b"one\n", b"tw"], [b"three\n", b""]]


def test_a_bomb_is_stopped_by_its_ratio(upload: Path) -> None:
    for data in (gzip.compress(bytes(50_000_000)), zipped(("a", bytes(50_000_000)))):
        upload.write_bytes(data)
        assert refused(upload) == "archive_ratio"


def test_small_files_may_be_packed_tightly(upload: Path) -> None:
    upload.write_bytes(gzip.compress(bytes(2_000_000)))
    assert unpack(upload) == [("upload", bytes(2_000_000))]


def test_the_size_counts_over_all_files(upload: Path) -> None:
    upload.write_bytes(zipped(("a", bytes(600)), ("b", bytes(600))))
    assert refused(upload, Limits(total_bytes=1000)) == "archive_too_large"
    assert len(unpack(upload, limits=Limits(total_bytes=1200))) == 2


def test_nothing_is_given_beyond_the_limit(upload: Path) -> None:
    upload.write_bytes(gzip.compress(bytes(50_000_000)))
    files = members(upload, "a", Limits(total_bytes=1_000_000))
    _, stream = next(files)
    assert len(stream.read(900_000)) == 900_000
    with pytest.raises(UnpackError):
        stream.read(200_000)


def test_the_number_of_files_is_limited(upload: Path) -> None:
    upload.write_bytes(zipped(*((f"{n}", b"") for n in range(11))))
    assert refused(upload, Limits(members=10)) == "archive_too_many_files"


def test_an_endless_list_of_files_is_not_even_read(upload: Path) -> None:
    """zipfile would make an object of each file before anyone could count them."""
    upload.write_bytes(zipped(*((f"{n}" * 40, b"") for n in range(6_000))))
    assert refused(upload, Limits(members=10_000)) == "archive_too_many_files"


@pytest.mark.parametrize(
    "inner",
    [zipped(("a", b"a")), zipped(), gzip.compress(b"a"), b"BZh91AY&SY...", b"7z\xbc\xaf\x27\x1c"],
    ids=["zip", "empty zip", "gzip", "bzip2", "7z"],
)
def test_an_archive_inside_an_archive_is_refused(upload: Path, inner: bytes) -> None:
    for data in (gzip.compress(inner), zipped(("a", inner))):
        upload.write_bytes(data)
        assert refused(upload) == "archive_nested"


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_other_methods_of_compression_are_refused(upload: Path, method: int) -> None:
    """They unpack a block of any size at once."""
    upload.write_bytes(zipped(("a", b"a"), method=method))
    assert refused(upload) == "archive_unsupported"


@pytest.mark.parametrize("head", [b"\xfd7zXZ\x00", b"Rar!\x1a\x07\x00", b"\x28\xb5\x2f\xfd"])
def test_other_archives_are_refused(upload: Path, head: bytes) -> None:
    upload.write_bytes(head + b"...")
    assert refused(upload) == "archive_unsupported"


def test_an_encrypted_zip_is_refused(upload: Path) -> None:
    data = bytearray(zipped(("a", b"secret")))
    data[6] |= 1
    data[data.index(b"PK\x01\x02") + 8] |= 1
    upload.write_bytes(data)
    assert refused(upload) == "archive_encrypted"


@pytest.mark.parametrize("size", [11, 30, 200])
def test_a_cut_archive_is_broken(upload: Path, size: int) -> None:
    text = bytes(range(256)) * 2
    for data in (gzip.compress(text), zipped(("a", text))):
        upload.write_bytes(data[:size])
        assert refused(upload) == "archive_broken"


def test_a_wrong_checksum_is_noticed(upload: Path) -> None:
    upload.write_bytes(
        zipped(("a", b"hello"), method=zipfile.ZIP_STORED).replace(b"hello", b"HELLO")
    )
    assert refused(upload) == "archive_broken"


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.sampled_from([gzip.compress(b"abc" * 50), zipped(("a", b"abc" * 50), ("b", b""))]),
    st.lists(st.tuples(st.integers(0, 400), st.integers(0, 255)), max_size=4),
    st.binary(max_size=5),
)
def test_damage_is_never_anything_but_an_unpack_error(
    upload: Path, data: bytes, changes: list[tuple[int, int]], tail: bytes
) -> None:
    damaged = bytearray(data)
    for place, value in changes:
        damaged[place % len(damaged)] = value
    upload.write_bytes(damaged + tail)
    with suppress(UnpackError):
        unpack(upload)
