"""`python -m deploy.check`: run the Dockerfile's commands in a fresh folder, without an engine.

It builds the environment as the image does, starts CMD as the image's user, runs HEALTHCHECK, asks
for an extraction, plays the demonstration, sends SIGTERM and wants exit code 0. Each line says what
was done and what was not. The exit code is 1 if anything is wrong.
"""

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Sequence
from pathlib import Path

from deploy.check.container import KEY, WRITABLE, Container
from deploy.check.dockerfile import DockerfileError
from deploy.check.image import CommandFailedError, Image, Tell, build

PROJECT = Path(__file__).resolve().parents[2]
TEXT = "Two patients developed hepatitis after isoniazid."
_START_SECONDS = 120
_STOP_SECONDS = 60
_DEMO_SECONDS = 600
_PROBE_SECONDS = 30


class WrongError(Exception):
    """What the image does not do as it should."""


def check(project: Path, tell: Tell) -> None:
    """Raises DockerfileError, CommandFailedError or WrongError; tells each step."""
    # Not in a folder of root's alone: the image's user has to get there.
    folder = Path(tempfile.mkdtemp(prefix="medtune-image-"))
    folder.chmod(0o755)
    try:
        image = build(project, folder, tell)
        container = Container.of(image, tell)
        before = _files(image)
        _lives(container, folder / "serve.log", tell)
        _demonstrates(container, folder / "demo.log", tell)
        if changed := _files(image) ^ before:
            raise WrongError(f"written outside /data and /tmp: {sorted(changed)[:5]}")
        tell("done: nothing of the image was changed")
    finally:
        shutil.rmtree(folder)


def _lives(container: Container, log: Path, tell: Tell) -> None:
    """From CMD to SIGTERM."""
    stage = container.image.stage
    command = stage.last("CMD").words()
    probe = _probe(container.image)

    def healthy() -> bool:
        return container.run(probe, Path(os.devnull), _PROBE_SECONDS) == 0

    process = container.start(command, log)
    try:
        deadline = time.monotonic() + _START_SECONDS
        while not healthy():
            if process.poll() is not None or time.monotonic() > deadline:
                raise WrongError(f"HEALTHCHECK of CMD does not succeed:\n{_said(log)}")
            time.sleep(0.2)
        tell(f"done: CMD {command}")
        tell(f"done: HEALTHCHECK {probe}")
        answer = _extract(container.port)
        if not answer["diseases"]:
            raise WrongError(f"the extraction has found nothing: {answer}")
        tell("done: an extraction")
        container.signal(process, signal.SIGTERM)
        try:
            code = process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            raise WrongError(f"SIGTERM has not ended it:\n{_said(log)}") from None
        if code != 0:
            raise WrongError(f"exit code {code} after SIGTERM:\n{_said(log)}")
        tell("done: SIGTERM, exit code 0")
    finally:
        container.kill(process)
    if healthy():
        raise WrongError("HEALTHCHECK succeeds although nothing runs")


def _demonstrates(container: Container, log: Path, tell: Tell) -> None:
    """A dataset, a training, extractions: whatever is written is written on the way."""
    command = ["medtune", "demo", "--preset", "fast"]
    if container.run(command, log, _DEMO_SECONDS) != 0:
        raise WrongError(f"{command} fails:\n{_said(log)}")
    tell(f"done: {command}")


def _probe(image: Image) -> Sequence[str]:
    """The command of HEALTHCHECK."""
    instruction = image.stage.last("HEALTHCHECK")
    _options, found, command = instruction.value.partition("CMD ")
    if not found:
        raise DockerfileError(f"line {instruction.line}: HEALTHCHECK has no command")
    return type(instruction)("HEALTHCHECK", command.strip(), instruction.line).words()


def _extract(port: int) -> dict[str, list[object]]:
    request = urllib.request.Request(
        f"http://127.0.0.1:{port}/v1/extractions",
        data=json.dumps({"model": "local:rules", "text": TEXT}).encode(),
        headers={"Content-Type": "application/json", "Authorization": f"Bearer {KEY}"},
    )
    with urllib.request.urlopen(request, timeout=60) as response:
        answer: dict[str, list[object]] = json.load(response)
    return answer


def _files(image: Image) -> set[tuple[str, int]]:
    """Every file of the image with its time of change, but for those that may be written."""
    found = set()
    for folder, names, files in os.walk(image.root):
        if Path(folder) == image.root:
            names[:] = [name for name in names if name not in (*WRITABLE, "python")]
        for name in files:
            path = Path(folder, name)
            found.add((str(path.relative_to(image.root)), path.lstat().st_mtime_ns))
    return found


def _said(log: Path) -> str:
    return log.read_text(encoding="utf-8", errors="replace")[-3000:]


def main() -> int:
    """The exit code."""

    def tell(line: str) -> None:
        print(line, flush=True)

    try:
        check(PROJECT, tell)
    except (DockerfileError, CommandFailedError, WrongError) as error:
        print(f"wrong: {error}", file=sys.stderr)
        return 1
    except subprocess.TimeoutExpired as error:
        print(f"wrong: {error.cmd[-1]} has not ended in {error.timeout:.0f} s", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
