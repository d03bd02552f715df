"""How far the work of another process is: measured there, stored here, and no job minds."""

import asyncio
import gzip
import io
import zipfile
from collections.abc import AsyncIterator, Awaitable, Callable
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from sqlalchemy.exc import OperationalError

from app.backends.registry import Backends
from app.corpora import unpack
from app.datasets.ingest import IngestRequest, IngestResult, Source, SplitSource, ingest
from app.datasets.job_side import JobSide
from app.datasets.schemas import Dataset
from app.datasets.service import Datasets
from app.parts import create_platform
from app.platform import processes
from app.platform.blobs import Blobs
from app.platform.clock import new_id
from app.platform.jobs import JobKind
from app.platform.progress import Note, Tell
from app.platform.settings import Settings
from app.platform.uploads import UploadedFile
from app.platform.work import Platform
from app.prompts.tasks import Task
from app.prompts.templates import BUILT_IN
from app.training_files import build as rendering
from app.vocabularies import build as indexing
from tests.e2e.test_story import SAMPLE, larger_sample

TEXT = larger_sample(5)
WAIT_SECONDS = 60


def zipped(data: bytes) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        half = data.index(b"\n\n", len(data) // 2) + 2
        archive.writestr("one.txt", data[:half])
        archive.writestr("two.txt", data[half:])
    return out.getvalue()


def stored(blobs: Blobs, data: bytes, owner: str) -> str:
    with blobs.writer(owner) as out:
        out.write(data)
    return out.key


def rises(shares: list[float], end: float = 1.0) -> bool:
    """To the end, by many small steps."""
    steps = [after - before for before, after in pairwise(shares)]
    return shares[-1] == end and len({*shares}) > 2 and all(step >= 0 for step in steps)


@pytest.mark.parametrize("packed", [bytes, gzip.compress, zipped])
def test_reading_tells_its_share_of_what_is_to_be_read(
    packed: Callable[[bytes], bytes], tmp_path: Path
) -> None:
    """Of two files, plain or packed, and of the documents of a revision's base."""
    blobs, owner = Blobs.in_folder(tmp_path), new_id("ds")
    first = packed(TEXT)
    second = packed((SAMPLE / "dev.pubtator.txt").read_bytes())
    sources = tuple(
        Source(stored(blobs, data, owner), "file", split, len(data))
        for data, split in ((first, "a"), (second, "b"))
    )
    request = IngestRequest(owner, sources, None, blobs, 10**9, 10**9, 10**9)
    shares: list[float] = []
    read = ingest(request, shares.append)
    assert not read.errors
    assert rises(shares)
    between = len(first) / (len(first) + len(second))
    assert between in shares
    base = tuple(SplitSource(each.name, each.blob, each.characters) for each in read.splits)
    shares.clear()
    ingest(IngestRequest(owner, sources[1:], None, blobs, 10**9, 10**9, 10**9, base), shares.append)
    assert rises(shares)

    shares.clear()
    documents = tuple(split.blob for split in read.splits)
    rendering.build(
        rendering.BuildRequest(
            new_id("tf"),
            documents,
            tuple(Task),
            "abstract",
            "chat",
            BUILT_IN.id,
            blobs,
        ),
        shares.append,
    )
    assert rises(shares)


def test_indexing_tells_its_share_but_for_the_sorting(tmp_path: Path) -> None:
    """All has been read, and some is left to do."""
    blobs, owner = Blobs.in_folder(tmp_path), new_id("voc")
    lines = "".join(f"MESH:D{n:06}\tsyndrome {n} of the {n % 7}th kind\n" for n in range(4000))
    source = indexing.Source(stored(blobs, lines.encode(), owner), "names.tsv", len(lines))
    shares: list[float] = []
    request = indexing.BuildRequest(owner, (source,), None, "Disease", blobs, unpack.Limits())
    assert indexing.build(request, shares.append).fault is None
    assert rises(shares, shares[-1])
    assert 0.5 < shares[-1] < 1


def held(gates: Path, share: float, request: IngestRequest, tell: Tell) -> IngestResult:
    """Read it, but tell a share first, and wait until that is seen."""
    tell(share)
    while not (gates / f"seen-{share}").exists():
        pass
    return ingest(request)


@pytest_asyncio.fixture
async def platform(settings: Settings) -> AsyncIterator[Platform]:
    made = create_platform(settings, Backends({}))
    await made.database.migrate()
    yield made
    await made.database.close()


async def uploaded(platform: Platform) -> str:
    row_id = new_id("ds")
    with platform.blobs.writer(row_id) as out:
        out.write(TEXT)
    file = UploadedFile("file", "file.txt", out.key, out.sha256, out.size)
    async with platform.work(write=True) as work:
        # No engine runs here: the job is called by hand.
        await Datasets(work).create(row_id, "name", None, [(file, None)])
        work._after_commit.clear()
    return row_id


async def get(platform: Platform, row_id: str) -> Dataset:
    async with platform.work(write=False) as work:
        return await Datasets(work).get(row_id)


def job(platform: Platform, work_of: Any) -> JobKind:
    return processes.process_job("dataset", platform, JobSide, work_of)


async def until(condition: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(WAIT_SECONDS):
        while not await condition():  # noqa: ASYNC110 - it is a row, or a file
            await asyncio.sleep(0.02)


@pytest.fixture
def often(monkeypatch: pytest.MonkeyPatch) -> None:
    """Look at the note again and again, not once a second."""
    monkeypatch.setattr(processes, "EVERY_SECONDS", 0.05)


@pytest.mark.usefixtures("often")
async def test_progress_is_stored_rises_and_ends_at_one(platform: Platform, tmp_path: Path) -> None:
    """And a job that begins anew is shown as far as it was until it is further than that."""
    row_id = await uploaded(platform)
    assert (await get(platform, row_id)).progress == 0
    [step] = job(platform, partial(held, tmp_path, 0.5)).steps

    async def halfway() -> bool:
        return (await get(platform, row_id)).progress == 0.5

    begun = asyncio.ensure_future(step(row_id))
    await until(halfway)
    begun.cancel()  # as when the process is told to end: the other one is killed
    with pytest.raises(asyncio.CancelledError):
        await begun
    [step] = job(platform, partial(held, tmp_path, 0.25)).steps
    again = asyncio.ensure_future(step(row_id))
    note = Note(platform.scratch / "progress" / row_id)

    async def noted() -> bool:
        return note.read() == 0.25

    await until(noted)
    await asyncio.sleep(0.2)
    assert await halfway()
    (tmp_path / "seen-0.25").touch()
    await again
    dataset = await get(platform, row_id)
    assert (dataset.status, dataset.progress) == ("ready", 1.0)
    assert not [*(platform.scratch / "progress").iterdir()]


@pytest.mark.usefixtures("often")
async def test_a_database_that_is_away_fails_no_job(
    platform: Platform, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What could not be stored is passed over."""
    row_id = await uploaded(platform)
    tried = asyncio.Event()

    async def away(_self: JobSide, _row_id: str, _share: float) -> None:
        tried.set()
        raise OperationalError("", None, Exception("gone"))

    with monkeypatch.context() as broken:
        broken.setattr(JobSide, "advance", away)
        [step] = job(platform, partial(held, tmp_path, 0.5)).steps
        begun = asyncio.ensure_future(step(row_id))
        await asyncio.wait_for(tried.wait(), WAIT_SECONDS)
        (tmp_path / "seen-0.5").touch()
        await begun
    assert (await get(platform, row_id)).status == "ready"


async def test_no_job_needs_a_place_to_note_its_progress(platform: Platform) -> None:
    """A file stands where the folder would be."""
    row_id = await uploaded(platform)
    platform.scratch.mkdir(parents=True, exist_ok=True)
    (platform.scratch / "progress").write_bytes(b"")
    [step] = job(platform, ingest).steps
    await step(row_id)
    assert (await get(platform, row_id)).progress == 1.0
