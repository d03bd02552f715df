"""The training process by itself: what it needs of its parent, and what it leaves behind."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from app.backends.local.jobs import Job, JobFolder
from app.corpora import canonical
from app.corpora.documents import Document
from app.prompts.tasks import Task
from tests.backends.local.small_corpus import small_corpus

_PATIENCE = 60


def _folder(tmp_path: Path, documents: list[Document], iterations: int = 3) -> JobFolder:
    lines = tmp_path / "documents"
    lines.write_text("".join(canonical.dumps(each) + "\n" for each in documents), "utf-8")
    folder = JobFolder(tmp_path / "job")
    folder.prepare(
        Job(
            reference="ft_1",
            tasks=frozenset(Task),
            hyperparameters={"preset": "fast", "iterations": iterations},
            documents=lines,
            models=tmp_path / "models",
        )
    )
    return folder


def _start(folder: JobFolder) -> "subprocess.Popen[bytes]":
    command = [sys.executable, "-m", "app.backends.local.process", str(folder.path)]
    return subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )


def _wait_until_begun(folder: JobFolder) -> None:
    deadline = time.monotonic() + _PATIENCE
    while not folder.progress():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_trains_politely_prints_nothing_and_puts_the_model_in_its_place(tmp_path: Path) -> None:
    folder = _folder(tmp_path, small_corpus())
    with _start(folder) as process:
        _wait_until_begun(folder)
        assert os.getpriority(os.PRIO_PROCESS, process.pid) == 10
        assert process.wait(_PATIENCE) == 0
        assert process.stdout is not None
        assert process.stdout.read() == b""
    result = folder.result()
    assert result is not None
    assert [each.name for each in (tmp_path / "models").iterdir()] == [f"{result.model}.medtune"]
    steps = [step.progress for step in folder.progress()]
    assert steps == sorted(steps)
    assert steps[-1] == 1.0
    assert sorted(each.name for each in folder.path.iterdir()) == [
        "job.json",
        "progress.jsonl",
        "result.json",
    ]


def test_ends_at_once_when_nobody_holds_its_input_any_more(tmp_path: Path) -> None:
    folder = _folder(tmp_path, small_corpus() * 20, iterations=1000)
    with _start(folder) as process:
        _wait_until_begun(folder)
        assert process.stdin is not None
        process.stdin.close()
        assert process.wait(_PATIENCE) == 3
    assert folder.result() is None
    assert folder.failure() is None


_PARENT = """
import subprocess, sys
process = subprocess.Popen([sys.executable, "-m", "app.backends.local.process", sys.argv[1]])
print(process.pid, flush=True)
process.wait()
"""


@pytest.mark.skipif(sys.platform != "linux", reason="the kernel's help is Linux's own")
def test_ends_with_its_parent_even_if_someone_else_holds_its_input(tmp_path: Path) -> None:
    folder = _folder(tmp_path, small_corpus() * 20, iterations=1000)
    command = [sys.executable, "-c", _PARENT, str(folder.path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as parent:
        assert parent.stdout is not None
        pid = int(parent.stdout.readline())
        _wait_until_begun(folder)
        parent.kill()
        deadline = time.monotonic() + _PATIENCE
        while _runs(pid):
            assert time.monotonic() < deadline
            time.sleep(0.02)
    assert folder.result() is None


def _runs(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


@pytest.mark.parametrize("content", [None, b"{}", b"not json"])
def test_without_a_readable_job_it_just_ends(tmp_path: Path, content: bytes | None) -> None:
    folder = _folder(tmp_path, [])
    (folder.path / "job.json").unlink()
    if content is not None:
        (folder.path / "job.json").write_bytes(content)
    with _start(folder) as process:
        assert process.wait(_PATIENCE) == 1
    assert folder.failure() is None
