"""Runs commands of an image as a container would: its user, its variables, a read-only view.

As root and where the kernel lets us, a process gets namespaces of its own, in which every file
system is read-only but /data and /tmp of the image (TMPDIR leads there), and in which it is process
1, as in a container without `init`. Whatever of it cannot be had is told as not done.
"""

import os
import shlex
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Sequence
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path

from deploy.check.dockerfile import DockerfileError
from deploy.check.image import Image, Tell

WRITABLE = ("data", "tmp")
KEY = "a-key-for-trying-the-image-out-only"
_SHARED = ("/proc", "/sys", "/dev")  # the kernel's own; a container has them, too
_NAMESPACES = ("unshare", "--mount", "--pid", "--fork", "--mount-proc")


@dataclass
class Container:
    """How processes of an image are started; what they say goes to a file."""

    image: Image
    port: int
    as_user: bool  # whether processes run as the image's user, not as we do
    confined: bool  # whether they get a read-only view, and are process 1 of it

    @classmethod
    def of(cls, image: Image, tell: Tell) -> "Container":
        """Find out what can be done here. Raises DockerfileError for a USER like root."""
        numeric(image.user)
        (image.root / "tmp").chmod(0o1777)  # a base image has one
        confined = _can_confine()
        reached = confined or _closed_above(Path(sys.base_prefix)) is None
        as_user = os.geteuid() == 0 and reached
        if not as_user:
            tell(f"not done: USER {image.user}: it takes root, and a Python that others may run")
        if not confined:
            tell("not done: the read-only view, process 1: they take root and namespaces")
        return cls(image, _free_port(), as_user, confined)

    def start(self, command: Sequence[str], log: Path) -> "subprocess.Popen[bytes]":
        """Start it; its port is one that is free here instead of the image's."""
        words = [self._with_port(self.image.placed(word)) for word in command]
        with log.open("ab") as said:
            return subprocess.Popen(
                self._wrapped(words),
                cwd="/",
                env=self._environment(),
                stdout=said,
                stderr=subprocess.STDOUT,
            )

    def run(self, command: Sequence[str], log: Path, seconds: float) -> int:
        """The exit code of a command that ends by itself."""
        process = self.start(command, log)
        try:
            return process.wait(seconds)
        finally:
            self.kill(process)

    def signal(self, process: "subprocess.Popen[bytes]", number: signal.Signals) -> None:
        """Send what an engine sends to process 1."""
        os.kill(_first(process.pid) if self.confined else process.pid, number)

    def kill(self, process: "subprocess.Popen[bytes]") -> None:
        """End it, if it has not ended, and with process 1 all others of its namespace."""
        if process.poll() is None:
            # `unshare` cannot see to that: a process that changes its user outlives its parent.
            with suppress(IndexError, ProcessLookupError):
                self.signal(process, signal.SIGKILL)
            process.kill()
            process.wait()

    def _environment(self) -> dict[str, str]:
        path = self.image.environment
        given = {"MEDTUNE_ADMIN_KEY": KEY}  # it listens on all addresses, and so needs one
        return path | {"TMPDIR": str(self.image.root / "tmp"), "LANG": "C.UTF-8"} | given

    def _with_port(self, text: str) -> str:
        exposed = self.image.stage.last("EXPOSE").value
        return text.replace(exposed, str(self.port))

    def _wrapped(self, words: Sequence[str]) -> list[str]:
        inside = ["env", "--chdir", str(self.image.folder), *words]
        if not self.as_user:
            return inside
        user = str(numeric(self.image.user))
        as_user = [f"--reuid={user}", f"--regid={user}", "--clear-groups", "--no-new-privs"]
        inside = ["setpriv", *as_user, "--bounding-set=-all", "--inh-caps=-all", *inside]
        if not self.confined:
            return inside
        return [*_NAMESPACES, "sh", "-euc", f"{self._view()}\nexec {shlex.join(inside)}"]

    def _view(self) -> str:
        """Shell commands that make everything read-only but what may be written."""
        root = self.image.root
        writable = [str(root / name) for name in WRITABLE]
        lines = [f"mount --bind {shlex.quote(folder)} {shlex.quote(folder)}" for folder in writable]
        if (closed := _closed_above(Path(sys.base_prefix))) is not None:
            # The interpreter is in a folder that other users may not enter: show them that alone.
            python, kept = shlex.quote(sys.base_prefix), shlex.quote(str(root / "python"))
            lines += [
                f"mkdir -p {kept}",
                f"mount --bind {python} {kept}",
                f"mount -t tmpfs -o mode=0755 none {shlex.quote(str(closed))}",
                f"mkdir -p {python}",
                f"mount --bind {kept} {python}",
            ]
        spared = "|".join([*(f"{p}|{p}/*" for p in _SHARED), *map(shlex.quote, writable)])
        return "\n".join(
            [
                *lines,
                "while read -r _ _ _ _ place _; do",
                f'  case "$place" in {spared}) ;; *) mount -o remount,bind,ro "$place" ;; esac',
                "done < /proc/self/mountinfo",
                f"if touch {shlex.quote(str(root))}/written 2>/dev/null; then exit 70; fi",
            ]
        )


def numeric(user: str) -> int:
    """The number of USER, which must be one, and not root's. Raises DockerfileError."""
    number = user.partition(":")[0]
    if not number.isdecimal() or int(number) == 0:
        raise DockerfileError(f"USER {user} is not the number of an ordinary user")
    return int(number)


def _first(pid: int) -> int:
    """The process that is the first of the namespace that `unshare` has made."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii").split()
    return int(children[0])


def _closed_above(path: Path) -> Path | None:
    """The topmost folder on the way that only its owner may enter."""
    for folder in reversed(path.parents):
        if not folder.stat().st_mode & 0o001:
            return folder
    return None


def _can_confine() -> bool:
    if os.geteuid() != 0 or shutil.which("unshare") is None:
        return False
    return subprocess.run([*_NAMESPACES, "true"], capture_output=True, check=False).returncode == 0


def _free_port() -> int:
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
