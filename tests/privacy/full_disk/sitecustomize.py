"""A disk that is full for whom the file says that $FULL_DISK names: `service`, or its `child`.

Python imports this before all else where the folder is on its path. A file then cannot be made
safe on the disk, as where space is looked for late; no right to mount one is needed.
"""

import errno
import os
import sys
from pathlib import Path
from typing import Any

_fsync = os.fsync
_ROLE = "child" if "anyio.to_process" in sys.orig_argv else "service"


def fsync(fd: Any) -> None:
    """As of `os`, or ENOSPC with the file's path and a note of its bytes."""
    if Path(os.environ["FULL_DISK"]).read_text() == _ROLE:
        path = Path(f"/proc/self/fd/{fd}").resolve()
        error = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))
        error.add_note(path.read_text("utf-8", "replace"))
        raise error
    _fsync(fd)


os.fsync = fsync
