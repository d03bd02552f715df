"""What is fuzzed: each parser of what others send, with what has to hold and with seeds.

A check raises, of whatever kind, if something does not hold. Seeds are the sample corpus in every
format, samples of vocabularies, and what is worth a beginning of its own.
"""

import gzip
import io
import json
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from importlib.resources import files

from app.corpora.documents import Document
from app.corpora.formats import FORMATS
from app.platform.pagination import encode_cursor
from app.prompts.render import render, to_line
from app.prompts.tasks import Task
from app.terminology.formats import VocabularyFormat
from faults.fuzz import archives, documents, names, prompts, requests
from tests.terminology import samples

Check = Callable[[bytes], None]
Seeds = Callable[[], list[bytes]]

# So many documents of the sample in a file: mutations reach all of a small one.
_FEW = 2


@dataclass(frozen=True, slots=True)
class Target:
    """One parser: a check of one input, inputs to begin with, and the largest to be tried."""

    check: Check
    seeds: Seeds
    max_bytes: int = 8192


def _sample() -> list[tuple[str | None, Document]]:
    content = (files("app.corpora") / "sample" / "train.pubtator.txt").read_bytes()
    found = FORMATS["pubtator"].read(io.BytesIO(content), lambda _: None)
    return sorted(found, key=lambda pair: len(pair[1].text))[:_FEW]


def _in_format(name: str) -> list[bytes]:
    out = io.BytesIO()
    write = FORMATS[name].write
    assert write is not None
    write([("train", document) for _, document in _sample()], out)
    return [out.getvalue()]


def _rows() -> Iterator[dict[str, object]]:
    for _, document in _sample():
        for task in Task:
            for form in ("prompt_completion", "chat"):
                yield dict(render(document, task, row_format=form).row)


def _jsonl() -> list[bytes]:
    return ["".join(to_line(row) for row in _rows()).encode()]


def _csv() -> list[bytes]:
    fields = [
        [str(row[name]).replace('"', '""') for name in ("prompt", "completion")]
        for row in _rows()
        if "prompt" in row
    ]
    lines = ["prompt,completion,id", *(f'"{prompt}","{said}",1' for prompt, said in fields)]
    return ["\n".join(lines).encode()]


def _zipped(*contents: tuple[str, bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in contents:
            archive.writestr(name, content)
    return out.getvalue()


def _archives() -> list[bytes]:
    (text,) = _in_format("pubtator")
    nested = _zipped(("inner.zip", _zipped(("a.txt", text))))
    return [
        gzip.compress(text),
        gzip.compress(text) * 2,
        gzip.compress(bytes(1 << 18)),
        _zipped(("a.txt", text), ("../b.txt", b"b"), ("/etc/c", b"c")),
        nested,
    ]


def _models() -> list[bytes]:
    array = b"\x93NUMPY\x01\x00v\x00" + (
        b"{'descr': '<f4', 'fortran_order': False, 'shape': (3,), }".ljust(117) + b"\n"
    )
    manifest = {"reference": "r", "tasks": [], "labels": [], "training": {}, "format_version": 1}
    said = json.dumps(manifest).encode()
    return [b"A" + array + bytes(12), b"M" + said, _zipped(("manifest.json", said))]


def _asked() -> list[bytes]:
    answers = [str(row["completion"]) for row in _rows() if "completion" in row]
    asked = [str(row["prompt"]) for row in _rows() if "prompt" in row]
    return [text.encode() for text in [*answers, *asked]]


def _grounded() -> list[bytes]:
    return [
        "\x1f".join([document.text, *{mention.text for mention in document.mentions}]).encode()
        for _, document in _sample()
    ]


def _cursors() -> list[bytes]:
    positions = ("ds_" + "0" * 32, "17", "1.20")
    return [str(encode_cursor(position)).encode() for position in positions]


def _forms() -> list[bytes]:
    (text,) = _in_format("pubtator")
    parts = (
        b'--x\r\nContent-Disposition: form-data; name="name"\r\n\r\nsample\r\n'
        b'--x\r\nContent-Disposition: form-data; name="file"; filename="a.txt"\r\n'
        b"Content-Type: text/plain\r\n\r\n" + text[:200] + b"\r\n--x--\r\n"
    )
    return [b"multipart/form-data; boundary=x\n" + parts]


def _headers() -> list[bytes]:
    key = b"mt_" + b"0" * 32 + b"_" + b"A" * 43
    values = (b"127.0.0.1:8000", b"http://127.0.0.1:8000", b"same-origin", b"Bearer " + key)
    return [b"\n".join([*values, b"medtune_session=x", b"an-id"]), key]


def _batch() -> list[bytes]:
    return [b'{"text": "Aspirin caused asthma.", "id": 7}\n"Aspirin."\n{"text": 1}\n']


_VOCABULARIES = {
    VocabularyFormat.MESH_DESCRIPTORS: samples.MESH_DESCRIPTORS,
    VocabularyFormat.MESH_SUPPLEMENTARY: samples.MESH_SUPPLEMENTARY,
    VocabularyFormat.CTD_CHEMICALS: samples.CTD_CHEMICALS,
    VocabularyFormat.CTD_DISEASES: samples.CTD_DISEASES,
    VocabularyFormat.PLAIN: samples.PLAIN,
}

TARGETS: dict[str, Target] = {
    **{
        name: Target(partial(documents.check, name), partial(_in_format, name))
        for name in ("pubtator", "bioc_xml", "bioc_json", "bigbio_json")
    },
    "jsonl": Target(partial(documents.check, "jsonl"), _jsonl, 16_384),
    "csv": Target(partial(documents.check, "csv"), _csv, 16_384),
    **{
        str(format_): Target(partial(names.check, format_), partial(list, (content,)))
        for format_, content in _VOCABULARIES.items()
    },
    "unpack": Target(archives.unpack, _archives),
    "artefact": Target(archives.artefact, _models),
    "prompts": Target(prompts.parse, _asked),
    "ground": Target(prompts.grounded, _grounded),
    "cursors": Target(requests.cursor, _cursors, 600),
    "headers": Target(requests.headers, _headers, 600),
    "multipart": Target(requests.multipart, _forms),
    "batch": Target(requests.batch, _batch),
}
