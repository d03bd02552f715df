"""Whatever Python prints of what nobody has caught holds none of the values at hand."""

import json
import subprocess
import sys
from collections import Counter
from pathlib import Path

from app.backends.local.jobs import Job, JobFolder
from app.corpora import canonical
from app.prompts.tasks import Task
from tests.backends.local.small_corpus import small_corpus
from tests.privacy.marks import Marks

PROJECT = Path(__file__).parents[2]


def test_what_nobody_caught(tmp_path: Path) -> None:
    """In threads, tasks, callbacks, destructors, warnings, log lines, and at the end."""
    marks = Marks()
    ended = subprocess.run(
        [sys.executable, "-m", "tests.privacy.uncaught"],
        cwd=PROJECT,
        input=marks.text("whatever broke"),
        capture_output=True,
        text=True,
        timeout=100,
    )
    assert not ended.stdout
    assert not marks.found(ended.stderr), ended.stderr
    lines = [json.loads(line) for line in ended.stderr.splitlines()]
    told = Counter(" ".join(line["event"].split()[:2]) for line in lines)
    # All of it has been told, nevertheless: what asyncio says by its loop and by uvloop's.
    assert told == {
        "Using selector": 1,
        "warned": 2,
        "exception_ignored": 1,
        "thread_broke": 1,
        "log_line_broke": 1,
        "Executing": 1,
        "exception calling": 1,
        "Task exception": 2,
        "Exception in": 2,
        "Broken": 2,
        "process_broke": 1,
    }, ended.stderr
    assert ended.returncode == 1
    broken = [line for line in lines if "exception" in line]
    assert all("trace" in line for line in broken)
    assert lines[-1]["exception"] == "builtins.ValueError"
    assert any(place.endswith("breaks") for place in lines[-1]["trace"])


def test_a_training_that_breaks(tmp_path: Path) -> None:
    """Logs where, and of what class the exception is, and leaves no more for its parent."""
    marks = Marks()
    lines = tmp_path / "documents"
    lines.write_text("".join(canonical.dumps(each) + "\n" for each in small_corpus()))
    folder = JobFolder(tmp_path / "job")
    folder.prepare(
        Job(
            reference="ft_1",
            tasks=frozenset({Task.DISEASES}),
            hyperparameters={"preset": "fast", "iterations": 1},
            documents=lines,
            evaluation=tmp_path / marks.text("documents that are gone"),
            models=tmp_path / "models",
        )
    )
    command = [sys.executable, "-m", "app.backends.local.process", str(folder.path)]
    pipe = subprocess.PIPE  # it ends with its input
    with subprocess.Popen(command, cwd=PROJECT, stdin=pipe, stderr=pipe) as training:
        assert training.stderr is not None
        said = training.stderr.read()
        assert training.wait(100) == 1
    assert b'"training_failed"' in said
    assert b"builtins.FileNotFoundError" in said
    assert not marks.found(said)
    failure = folder.failure()
    assert failure is not None
    assert "FileNotFoundError" in failure.message
    assert not marks.found(repr(failure))
