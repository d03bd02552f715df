"""What commands print of the texts they are given: answers alone, and on standard output alone."""

import os
import subprocess
import sys
from pathlib import Path

from app.own_service import own_service
from tests.privacy.marks import Marks
from tests.privacy.test_markers import pubtator


def begun(*arguments: object, **settings: str) -> "subprocess.Popen[bytes]":
    """A command that runs, with these settings."""
    return subprocess.Popen(
        [sys.executable, "-m", "app.cli", *map(str, arguments)],
        env={k: v for k, v in os.environ.items() if not k.startswith("MEDTUNE_")} | settings,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )


def test_commands_print_no_text(tmp_path: Path) -> None:
    """Of those that fail, on whichever side, nothing; of what is found, the names on stdout."""
    marks = Marks()

    def file(name: str, content: str | bytes) -> Path:
        path = tmp_path / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    text = file("text.txt", f"{marks.text('a text')} and hepatitis.\n")
    half = file("half.jsonl", f'{{"id": "{marks.id("of a line")}", "text": "{marks.text("half")}')
    id_ = marks.id("of a bad document")
    bad = file(
        "bad.txt",
        pubtator(marks, id_) + f"{id_}\t7\t3\t{marks.text('bad')}\tDisease\tD1\n".encode(),
    )
    none = file("none.txt", marks.text("no corpus"))
    key = marks.junk("a key")
    (tmp_path / "data").mkdir()
    folder = tmp_path / marks.junk("a data folder")
    folder.mkdir()
    (folder / "medtune.db").write_text(marks.text("no database") * 999)
    with own_service(tmp_path / "data") as service:
        server = {"MEDTUNE_SERVER": service.address}
        running = {
            "answered": begun("extract", "local:rules", text, **server),
            "half a line": begun("extract", "local:rules", half, **server),
            "no model": begun("extract", "local:none", text, **server),
            "key": begun("extract", "local:rules", text, MEDTUNE_API_KEY=key, **server),
            "upload": begun("upload", "--wait", bad, **server),
            "train": begun("train", bad, **server),
            "evaluate": begun("evaluate", "local:rules", "--dataset", none, **server),
            "away": begun("gc", MEDTUNE_DATA_DIR=str(text / marks.junk("a folder"))),
            "broken": begun("gc", MEDTUNE_DATA_DIR=str(folder)),
        }
        said = {name: each.communicate(timeout=500) for name, each in running.items()}
    codes = {name: each.returncode for name, each in running.items()}
    assert b"hepatitis" in said["answered"][0]
    for name, (out, err) in said.items():
        assert not marks.found(err), (name, err)
        assert not marks.found(out) or name == "answered", (name, out)
    assert codes == {name: int(name not in ("answered", "key")) for name in codes}
    assert b"does not answer" in said["away"][1]
    assert b'"command_broke"' in said["broken"][1]
    assert not marks.found(service.log.read_bytes())
