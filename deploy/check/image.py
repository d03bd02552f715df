"""Builds what an image would hold in a folder, by the Dockerfile's very commands.

`build` gives the root folder of the last stage. Stages are built one after the other in the same
folder, for scripts of an environment name the interpreter they were installed with; a stage that is
done is put aside for `COPY --from`. Of the base image there is only its Python: an environment at
/usr/local of this machine's. Paths of the image are put below the root folder, in commands as in
variables. Raises DockerfileError, or CommandFailedError for a command that fails.
"""

import os
import re
import shutil
import subprocess
import venv
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from deploy.check.dockerfile import (
    DockerfileError,
    Ignored,
    Instruction,
    Stage,
    expanded,
    project_stages,
)

Tell = Callable[[str], None]
# Where an image has files of its own; all other paths are this machine's.
_OWN = re.compile(r"(?<![\w./])/(?=(?:opt|build|data|usr/local)\b)")
_USERS = ("groupadd ", "useradd ")
# What a command needs to know of this machine to reach a package index.
_PASSED = re.compile(r"(PIP|UV_INDEX|UV_DEFAULT_INDEX|UV_CACHE|SSL_CERT|\w*_PROXY$)", re.IGNORECASE)
_COMMAND_SECONDS = 900


class CommandFailedError(Exception):
    """Which command failed, and the end of what it said."""


@dataclass
class Image:
    """What a stage has come to: its files in `root`, and how its processes are to run."""

    root: Path
    stage: Stage
    environment: dict[str, str]
    workdir: str = "/"
    user: str = "0"
    arguments: dict[str, str] = field(default_factory=dict)

    def placed(self, text: str) -> str:
        """The text with the image's own paths put below the root folder."""
        return _OWN.sub(f"{self.root}/", text)

    @property
    def folder(self) -> Path:
        """Where its processes run."""
        return Path(self.placed(self.workdir))

    @property
    def variables(self) -> Mapping[str, str]:
        """What `$NAME` stands for."""
        return self.environment | self.arguments


def build(project: Path, folder: Path, tell: Tell) -> Image:
    """Build all stages of the project's Dockerfile in the folder; the last of them."""
    ignored = Ignored.read((project / ".dockerignore").read_text(encoding="utf-8"))
    done: dict[str, Path] = {}
    stages = project_stages(project)
    for number, stage in enumerate(stages):
        root = folder / "root"
        tell(f"not done: FROM {stage.base}: an environment of this Python stands in for it")
        # The base has pip; to install it takes seconds, so only where it is used.
        uses_pip = any(i.keyword == "RUN" and "pip" in i.value for i in stage.instructions)
        venv.create(root / "usr" / "local", with_pip=uses_pip, symlinks=True)
        (root / "tmp").mkdir()
        path = f"{root}/usr/local/bin:/usr/bin:/bin"
        image = Image(root, stage, {"PATH": path})
        for instruction in stage.instructions:
            _apply(instruction, image, project, ignored, done, tell)
        if number + 1 < len(stages):
            aside = folder / f"stage-{number}"
            root.rename(aside)
            done[stage.name or str(number)] = aside
    return image


def _apply(
    instruction: Instruction,
    image: Image,
    project: Path,
    ignored: Ignored,
    done: Mapping[str, Path],
    tell: Tell,
) -> None:
    value = instruction.value
    match instruction.keyword:
        case "ARG":
            name, _, default = value.partition("=")
            image.arguments[name] = default
        case "ENV":
            image.environment |= {
                name: expanded(image.placed(text), image.variables)
                for name, text in instruction.assignments().items()
            }
        case "WORKDIR":
            image.workdir = value
            image.folder.mkdir(parents=True, exist_ok=True)
        case "USER":
            image.user = value
        case "COPY":
            _copy(instruction, image, project, ignored, done)
            tell(f"done: COPY {value}")
        case "RUN":
            _run(instruction, image, tell)
        case _:  # how a container of the image is run: the container's part
            pass


def _copy(
    instruction: Instruction,
    image: Image,
    project: Path,
    ignored: Ignored,
    done: Mapping[str, Path],
) -> None:
    *sources, target = instruction.value.split()
    origin: Path | None = None
    if sources[0].startswith("--from="):
        stage = sources.pop(0).removeprefix("--from=")
        if stage not in done:
            raise DockerfileError(f"line {instruction.line}: there is no stage {stage}")
        origin = done[stage]
    if not sources or any(source.startswith("--") for source in sources):
        raise DockerfileError(f"line {instruction.line}: COPY is not understood")
    into = target.endswith("/") or len(sources) > 1
    goal = Path(image.placed(target)) if target.startswith("/") else image.folder / target
    for source in sources:
        found = (origin or project) / source.lstrip("/")
        if not found.exists() or (origin is None and not ignored.lets_in(source)):
            raise DockerfileError(f"line {instruction.line}: COPY does not find {source}")
        if found.is_dir():  # what is in it is copied, not the folder
            passes_over = ignored.passes_over if origin is None else None
            shutil.copytree(found, goal, symlinks=True, ignore=passes_over, dirs_exist_ok=True)
        else:
            place = goal / found.name if into else goal
            place.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(found, place)


def _run(instruction: Instruction, image: Image, tell: Tell) -> None:
    passed = {name: value for name, value in os.environ.items() if _PASSED.match(name)}
    environment = {"HOME": os.environ.get("HOME", "/")} | passed | dict(image.variables)
    for command in instruction.value.split(" && "):
        wanted = command.strip()
        if wanted.startswith(_USERS):
            tell(f"not done: RUN {wanted}: this machine's users are left alone")
            continue
        if os.geteuid() != 0:  # only root gives files away
            wanted = re.sub(r" --(?:owner|group)=\S+", "", wanted)
        finished = subprocess.run(
            ["/bin/sh", "-c", image.placed(wanted)],
            cwd=image.folder,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=_COMMAND_SECONDS,
            check=False,
        )
        if finished.returncode:
            raise CommandFailedError(
                f"line {instruction.line}: RUN {wanted}: exit code {finished.returncode}\n"
                f"{finished.stdout[-3000:]}"
            )
        tell(f"done: RUN {command.strip()}")
