"""Commands given marked texts, names and keys, to succeed and to fail, and what they may print."""

import json
import os
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

from app.platform.sealing import new_key
from tests.privacy.marks import Marks
from tests.privacy.test_markers import pubtator

_AT_ONCE = 3
_MADE, _NEW = "a key is made", "a new key"
RULES = "local:rules"
_BAD_LINE = "{id}\t7\t3\t{word}\tDisease\tD1\n"  # ends before it begins


@dataclass
class Place:
    """A data folder and files around it; `server` is the address of a service that runs there.

    `key` is one that was made; `old` and `new` seal what lies there. `found` is what commands
    printed that they ought not to, and what they did else than they should.
    """

    folder: Path
    marks: Marks = field(default_factory=Marks)
    server: str = ""
    key: str = "mt_0_0"
    old: str = field(default_factory=new_key)
    new: str = field(default_factory=new_key)
    found: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.data.mkdir()
        self.tmp.mkdir()

    @property
    def data(self) -> Path:
        """Of the service."""
        return self.folder / "data"

    @property
    def tmp(self) -> Path:
        """Where commands may put what they need for a moment."""
        return self.folder / "tmp"

    def file(self, name: str, content: str | bytes) -> Path:
        """A new one."""
        path = self.folder / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    def bad(self, what: str) -> bytes:
        """A document with a wrong line."""
        id_ = self.marks.id(f"{what}, a bad document")
        line = _BAD_LINE.format(id=id_, word=self.marks.text(f"{what}, a wrong mention"))
        return pubtator(self.marks, id_) + line.encode()

    def secrets(self) -> Mapping[str, str]:
        """Each with the case that shows it."""
        return {self.key: _MADE, self.old: "", self.new: ""}


@dataclass(frozen=True)
class Case:
    """A command, what it is set to, the exit code; which kinds of marks it shows on standard
    output, and words of what it says on either."""

    arguments: tuple[object, ...]
    settings: Mapping[str, str]
    code: int = 1
    shows: tuple[str, ...] = ()
    says: str = ""


Cases = dict[str, Case]


def asking(here: Place) -> Cases:
    """Those that ask a service, or have one of their own, and those that do not get so far."""
    marks, server = here.marks, {"MEDTUNE_SERVER": here.server}
    text = here.file("text.txt", f"{marks.text('a text')} and hepatitis.\n")
    half = here.file("1.jsonl", f'{{"id": "{marks.id("of a line")}", "text": "{marks.text("half")}')
    line = {"id": marks.id("of a whole line"), "text": f"{marks.text('a line')} and hepatitis."}
    lines = here.file("2.jsonl", json.dumps(line) + f"\n{{{marks.text('no line')}")
    bad = here.file("bad.txt", here.bad("a file"))
    good = here.file("good.txt", pubtator(marks, marks.id("of a good document")))
    rows = here.file("rows.txt", _documents(marks, 12))
    none = here.file("none.txt", marks.text("no corpus"))
    name = marks.name("a dataset")
    broken = here.file(f"{marks.junk('a folder')}/medtune.db", marks.text("no database") * 999)
    on_broken = {"MEDTUNE_DATA_DIR": str(broken.parent)}
    login = f"{marks.junk('a user')}:{marks.junk('a password')}@127.0.0.1:1"
    nobody, no_medtune = {"MEDTUNE_SERVER": f"http://{login}/"}, "No Medtune answers"
    url = f"postgresql+psycopg://{login}/x"
    away = {"MEDTUNE_DATABASE_URL": url, "MEDTUNE_DATA_DIR": str(here.folder / "other")}
    no_file = str(text / marks.junk("a folder"))
    unusable = {"MEDTUNE_LOG_LEVEL": marks.junk("a level"), "MEDTUNE_COHERE_SERVERS": f"{{{name}"}
    with_key = server | {"MEDTUNE_API_KEY": marks.junk("a key")}
    broke, no_answer, kept = '"command_broke"', "does not answer", ("name",)
    wait, batch = ("--wait", "--json", "--name"), ("--batch", "--jsonl")
    fast = ("--hyperparameters", "preset=fast", "--json", "--name")
    return {
        **_demonstrations(here),
        "extract": Case(("extract", RULES, text), server, 0, ("text",), "hepatitis"),
        "extract by a batch": Case(("extract", RULES, lines, *batch), server, 1, ("text", "id")),
        "extract half a line": Case(("extract", RULES, half), server),
        "extract without a model": Case(("extract", "local:none", text), server),
        "extract with a key": Case(("extract", RULES, text), with_key, 0, ("text",)),
        "upload": Case(("upload", good, *wait, name), server, 0, kept, "ready"),
        "upload of a bad one": Case(("upload", "--wait", bad), server),
        "train": Case(("train", rows, *fast, name), server, 0, kept, "mdl_"),
        "train on a bad one": Case(("train", bad), server),
        "evaluate": Case(("evaluate", RULES, "--dataset", none), server),
        "curve": Case(("curve", "ft_0", "-o", here.folder / "1.svg"), nobody, says=no_medtune),
        "gc without a folder": Case(("gc",), {"MEDTUNE_DATA_DIR": no_file}, says=no_answer),
        "gc of no database": Case(("gc",), on_broken, says=broke),
        "migrate one that is away": Case(("migrate",), away, says=no_answer),
        "worker of one that is away": Case(("worker",), away, says=no_answer),
        "openapi with unusable settings": Case(
            ("openapi",), unusable, says="cannot use its settings"
        ),
    }


def _demonstrations(here: Place) -> Cases:
    """Of a corpus that can be trained on, and of one that cannot be read."""
    marks = here.marks

    def corpus(name: str, train: bytes, dev: bytes) -> Path:
        here.file(f"{name}/train.pubtator.txt", train)
        return here.file(f"{name}/dev.pubtator.txt", dev).parent

    good = corpus("good", _documents(marks, 12), pubtator(marks, marks.id("of dev")))
    bad = corpus("bad", here.bad("train"), f"{marks.text('dev')}\xff".encode("latin-1"))
    demo = ("demo", "--preset", "fast", "--corpus")
    return {
        "demo": Case((*demo, good), {}, 0, ("text",), "F1 on the 1 documents"),
        "demo of bad files": Case((*demo, bad), {}, 1, ("id",), "failed"),
    }


def _documents(marks: Marks, number: int) -> bytes:
    """Some that can be trained on."""
    return b"\n".join(pubtator(marks, str(each)) for each in range(3, 3 + number))


def with_keys(here: Place) -> Cases:
    """Keys are made, and not made."""
    data = {"MEDTUNE_DATA_DIR": str(here.data)}
    junk, create = here.marks.junk, ("keys", "create")
    named = (*create, "--name", here.marks.name("a key"))
    return {
        _MADE: Case(named, data, 0, (), "mt_"),
        "no workspace": Case((*create, "--workspace", f"{junk('a workspace')} X"), data),
        "no key": Case(("keys", "revoke", f"mt_0123456789abcdef_{junk('a key')}"), data),
        _NEW: Case(("encryption", "new-key"), data, 0),
        "nowhere to migrate to": Case(("migrate", junk("a revision")), data),
    }


def sealing(here: Place) -> Cases:
    """What lies there is sealed."""
    seal = ("encryption", "seal")
    return {
        "seal": Case(seal, _sealed(here, here.old), 0, (), "Sealed values"),
        "seal with no key": Case(seal, _sealed(here, here.marks.junk("a key")), says="no key"),
    }


def damage(here: Place) -> None:
    """Cut a file short, and put a word in the place of a name; both are sealed."""
    files = [path for path in (here.data / "blobs").glob("ds_*/*") if path.is_file()]
    largest = max(files, key=lambda path: path.stat().st_size)
    largest.write_bytes(largest.read_bytes()[:60] + here.marks.text("damage").encode())
    with closing(sqlite3.connect(here.data / "medtune.db")) as database:
        query = "UPDATE datasets SET name = substr(name, 1, 50) || ?"
        assert database.execute(query, [here.marks.name("damage")]).rowcount
        database.commit()


def looking(here: Place) -> Cases:
    """With the key, and with another one."""
    old, other, status = _sealed(here, here.old), _sealed(here, here.new), ("encryption", "status")
    return {
        "status": Case(status, old, 0, (), "seals"),
        "status with another key": Case(status, other, says="lacks the key"),
        "list": Case(("keys", "list"), old, 0, ("name",), "valid"),
    }


def rotating(here: Place) -> Cases:
    """What can be opened is sealed anew."""
    both = _sealed(here, here.new, here.old)
    return {"rotate": Case(("encryption", "rotate"), both, says="could not be opened")}


def revoking(here: Place) -> Cases:
    """Keys end."""
    return {"revoke": Case(("keys", "revoke", here.key), _sealed(here, here.new), 0, (), "Revoked")}


def _sealed(here: Place, *keys: str) -> dict[str, str]:
    plain = {"MEDTUNE_DATA_DIR": str(here.data), "MEDTUNE_PLAIN_DIR": str(here.folder / "plain")}
    return plain | ({"MEDTUNE_ENCRYPTION_KEYS": json.dumps(keys)} if keys else {})


def run(stage: Callable[[Place], Cases], here: Place) -> list[str]:
    """Run its cases, some at a time; gives what was printed that ought not to be, or missing."""
    cases = stage(here)
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        ended = [*pool.map(lambda case: _ended(case, here), cases.values())]
    found = []
    for (name, case), process in zip(cases.items(), ended, strict=True):
        out, err = process.stdout.decode(), process.stderr.decode()
        if name == _MADE:
            here.key = out.strip()
        found += [f"{name}: {each}" for each in _wrong(case, name, here, out, err)]
        if process.returncode != case.code or case.says not in out + err:
            found.append(f"{name}: ended with {process.returncode}: {out}{err}")
    return found


def _ended(case: Case, here: Place) -> "subprocess.CompletedProcess[bytes]":
    clean = {name: value for name, value in os.environ.items() if not name.startswith("MEDTUNE_")}
    more = {"MEDTUNE_LOG_LEVEL": "DEBUG", "TMPDIR": str(here.tmp), **case.settings}
    command = [sys.executable, "-m", "app.cli", *map(str, case.arguments)]
    return subprocess.run(command, env=clean | more, capture_output=True, timeout=500, check=False)


def _wrong(case: Case, name: str, here: Place, out: str, err: str) -> set[str]:
    shown = {mark for mark in here.marks.found(out) if not mark.startswith(case.shows)}
    told = {f"{mark} on standard output" for mark in shown}
    told |= {f"{mark} on standard error" for mark in here.marks.found(err)}
    if name in (_MADE, _NEW) and out.strip() in err:
        told.add("the key on standard error")
    for secret, by in here.secrets().items():
        told |= {"a key on standard error"} if secret in err else set()
        told |= {"a key on standard output"} if secret in out and name != by else set()
    return told
