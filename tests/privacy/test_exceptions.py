"""Exceptions of ours say nothing of what was at hand; what others say is not logged or stored.

Each class is raised by the code that raises it, about a word that is nowhere else. A class that is
new has to be added to one of the two tables.
"""

import asyncio
import importlib
import io
import json
import logging
import pkgutil
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace

import httpx
import pytest
import structlog
from cohere.core.api_error import ApiError
from pydantic import BaseModel, ValidationError

import app
from app.backends import openai_answers, remote
from app.backends.cohere import failures
from app.backends.generation import rows
from app.backends.local import artefact, process
from app.cohere_api import errors as cohere_errors
from app.commands import service as commands
from app.corpora import json_stream, shapes, unpack
from app.extraction_batches import reading
from app.platform import bucket, errors, sealing
from app.platform.encryption import create_keyring
from app.platform.job_kinds import JobKind
from app.platform.jobs import Jobs
from app.platform.logs import configure_logs
from app.platform.queues import Queue, chosen
from app.platform.settings import Settings
from app.prompts import parse
from app.prompts.templates import BUILT_IN
from app.terminology import formats
from app.vocabularies import build
from tests.acting import acting_for_anybody
from tests.platform.conftest import logs_restored
from tests.platform.test_jobs import Ledger, stored, until
from tests.privacy.marks import Marks

__all__ = ["logs_restored"]

# No word of a client's is at hand where they are raised: their arguments are the program's own, or
# what an operator has called a folder, a file or an option.
SAY_NOTHING = {
    "app.backends.cohere.batch_output.LostError",
    "app.backends.cohere.batch_output.RefusedError",
    "app.backends.local.bulk._DiedError",
    "app.charts.ChartError",
    "app.commands.service.LeftError",
    "app.corpora.streams.DocumentTooLargeError",
    "app.datasets.ingest._TooManyDocumentsError",
    "app.evaluations.watch.UnwantedError",
    "app.extraction_batches.cutting._InputError",
    "app.extraction_batches.workflows._UnwantedError",
    "app.platform.access.NobodyError",
    "app.platform.database.NewerSchemaError",
    "app.platform.folder_lock.FolderInUseError",
    "app.platform.job_kinds.JobError",  # of codes and details of the errors below
    "app.platform.job_kinds.JobInterruptedError",
    "app.platform.sealing.UnknownKeyError",
    "app.platform.steps._GivenUpError",
    "app.platform.telemetry.TelemetryMissingError",
    "app.worker.CannotStartError",
}


class Numbers(BaseModel):
    """No text is one of them."""

    numbers: list[int]


def written(folder: Path, content: str) -> Path:
    """A file of it."""
    path = folder / "file"
    path.write_text(content)
    return path


def from_server(word: str, _folder: Path) -> object:
    """A server says it in its refusal of what was asked."""

    async def ask() -> None:
        raise ApiError(status_code=400, headers={word: word}, body={"message": word})

    return asyncio.run(remote.Remote("there").call(ask, failures.understand))


def vocabulary(word: str, folder: Path) -> object:
    """A file of another format than it should be."""
    path = written(folder, word)
    limits = unpack.Limits(1, 1)
    source = build.Source("", "file", 1)
    blobs = SimpleNamespace(fetch=lambda _key: path)
    request = SimpleNamespace(sources=[source], format="plain", type="Disease", blobs=blobs)
    request.limits = limits
    return list(build._concepts(request, lambda _share: None))  # type: ignore[arg-type]


def settings(**given: object) -> Callable[[str, Path], object]:
    """Settings of the environment of which one is not what it should be."""

    def read(word: str, _folder: Path) -> object:
        with pytest.MonkeyPatch.context() as patch:
            for name, value in given.items():
                patch.setenv(name, str(value).replace("WORD", word))
            return Settings.read()

    return read


def keyring(word: str, folder: Path) -> object:
    """A key that is none."""
    return create_keyring(Settings(data_dir=folder, encryption_keys=[word], _env_file=None))


def cohere(word: str, _folder: Path) -> object:
    """What a schema has found."""
    with pytest.raises(ValidationError) as found:
        Numbers.model_validate({"numbers": [word], word: word})
    return _throw(cohere_errors.invalid_request(found.value))


def no_answer(word: str, _folder: Path) -> object:
    """Half an answer."""
    return openai_answers.read_reply(SimpleNamespace(choices=[word]))


def sealed(word: str, _folder: Path) -> object:
    """A file that is no sealed one, but begins like one."""
    ring = sealing.Keyring.of_settings([sealing.new_key()])
    whole = b"".join(ring.seal([word.encode()], "name"))
    return list(ring.open([whole[:-1] + word.encode()], "name"))


RAISED: dict[str, Callable[[str, Path], object]] = {
    "app.backends.base.BackendError": lambda w, d: list(
        rows.chats(written(d, f'{{"prompt": "{w}", "completion": "{w}"}}'), BUILT_IN)
    ),
    "app.backends.cohere.failures.MalformedError": lambda w, _: _raise(failures.MalformedError, w),
    "app.backends.generation.rows._RowError": lambda w, _: rows._read(
        json.dumps({w: w}).encode(), ()
    ),
    "app.backends.local.artefact.ArtefactError": lambda w, _: artefact._manifest(
        json.dumps({"format_version": w, w: w}).encode()
    ),
    "app.backends.local.process.TrainingDataError": lambda w, d: list(
        process._documents(written(d, f'{{"{w}": "{w}"'))
    ),
    "app.backends.openai_answers.MalformedError": no_answer,
    "app.backends.remote.RemoteError": from_server,
    "app.cohere_api.errors.CohereError": cohere,
    "app.commands.service.CommandError": lambda w, _: commands.checked(
        httpx.Response(400, text=f'{{"{w}": "{w}"}}')
    ),
    "app.corpora.json_stream._BrokenError": lambda w, _: list(
        json_stream._Reader(io.BytesIO(f'{{"{w}": {w}}}'.encode()), lambda _: None, ())._object()
    ),
    "app.corpora.shapes.MalformedError": lambda w, _: shapes.integer(w, "offset"),
    "app.corpora.unpack.UnpackError": lambda w, d: list(
        unpack.members(written(d, f"PK\3\4{w}"), w)
    ),
    "app.extraction_batches.reading._LineError": lambda w, _: reading._decoded(w.encode()),
    "app.platform.bucket.BucketSettingsError": lambda w, _: bucket._store(f"no://{w}", {}),
    "app.platform.encryption.EncryptionError": keyring,
    "app.platform.errors.ApiError": lambda w, _: _throw(errors.not_found("dataset", f"{w} {w}")),
    "app.platform.errors.UnusableSettingsError": settings(MEDTUNE_MAX_UNPACKED_BYTES="WORD"),
    "app.platform.sealing.DamagedError": sealed,
    "app.prompts.parse.ChatError": lambda w, _: parse.parse_chat([{"role": w, "content": w}]),
    "app.terminology.concepts.VocabularyError": lambda w, _: list(
        formats.read(io.BytesIO(w.encode()), formats.VocabularyFormat.PLAIN, "Disease")
    ),
    "app.vocabularies.build._FileError": vocabulary,
}


def _throw(error: Exception) -> object:
    raise error


def _raise(kind: type[Exception], word: str) -> object:
    raise kind from KeyError(word)


def classes() -> set[str]:
    """All exceptions of the application."""

    def below(kind: type[BaseException]) -> Iterator[type[BaseException]]:
        for each in kind.__subclasses__():
            yield each
            yield from below(each)

    for module in pkgutil.walk_packages(app.__path__, "app."):
        if not module.name.endswith("__main__"):
            importlib.import_module(module.name)
    found = {f"{each.__module__}.{each.__qualname__}" for each in below(BaseException)}
    return {name for name in found if name.startswith("app.")}


def test_every_class_is_in_a_table() -> None:
    """Of exceptions, in one of the two."""
    assert not SAY_NOTHING & RAISED.keys()
    assert classes() == SAY_NOTHING | RAISED.keys()


@pytest.mark.usefixtures("logs_restored")
@pytest.mark.parametrize("name", RAISED)
def test_ours_say_nothing(name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Neither as they are shown, nor in what they carry, nor with their causes in the log."""
    configure_logs("DEBUG")
    marks = Marks()
    with pytest.raises(BaseException) as raised:  # noqa: PT011 - the class is looked at below
        RAISED[name](marks.text("what was at hand"), tmp_path)
    error = raised.value
    assert f"{type(error).__module__}.{type(error).__qualname__}" == name
    carried = [repr(error), str(error), *map(repr, error.args), *getattr(error, "__notes__", ())]
    assert not marks.found(" ".join([*carried, repr(vars(error))]))
    for logger in (structlog.get_logger("ours"), logging.getLogger("theirs")):
        logger.error("broke", exc_info=error)
    said = capsys.readouterr().err
    assert said.count('"broke"') == 2
    assert not marks.found(said)


def theirs(word: str) -> Iterator[Exception]:
    """Exceptions of others that show, or carry, what was at hand; those of databases have a test of
    their own."""
    attempts: list[Callable[[], object]] = [
        lambda: Numbers.model_validate({"numbers": [word], word: word}),
        lambda: json.loads(f'{{"{word}": '),
        lambda: (word.encode() + b"\xff").decode(),
        lambda: word.encode("utf-16").decode("ascii"),
        lambda: int(word),
        lambda: dict[str, str]()[word],
        lambda: Path(f"/{word}").read_text(),
        lambda: sqlite3.connect(":memory:").execute(f"SELECT {word}"),
        lambda: httpx.Response(
            500, request=httpx.Request("GET", f"http://there/{word}"), text=word
        ).raise_for_status(),
        lambda: chosen([word], {"short": Queue(1)}),
    ]
    for attempt in attempts:
        try:
            attempt()
        except Exception as error:
            error.add_note(word)
            yield error
    yield ExceptionGroup(word, [ValueError(word)])


@pytest.mark.usefixtures("logs_restored")
@pytest.mark.asyncio(loop_scope="function")
async def test_of_others_nothing_is_logged_or_stored(
    settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    """Steps of jobs raise them, with causes: log, row and engine have nothing of it."""
    configure_logs("DEBUG")
    marks = Marks()
    word = marks.text("what was at hand")
    found = list(theirs(word))

    async def breaks(row: str) -> None:
        raise found[int(row.removeprefix("row_"))] from KeyError(word)

    ledger = Ledger()
    jobs = Jobs(settings.jobs_url, queues={"short": Queue(4)}, acting_for=acting_for_anybody)
    jobs.define(JobKind("broken", "short", [breaks], ledger.fail, ledger.none))
    await jobs.open()
    for number in range(len(found)):
        await jobs.start("broken", f"row_{number}")
    await until(lambda: len(ledger.failed) == len(found))
    await jobs.close()
    said = capsys.readouterr()
    assert said.err.count("job_step_broke") == len(found)
    assert not marks.found(said.err + said.out)
    assert not marks.found(repr(ledger.failed))
    assert not marks.found(stored(settings))
