"""Processes that end when the one that started them does, however that ends."""

import ctypes
import os
import signal
import sys
from collections.abc import Callable
from typing import TypeVar

Request = TypeVar("Request")
Result = TypeVar("Result")

# <linux/prctl.h>
_PR_SET_PDEATHSIG = 1


def end_with_parent() -> None:
    """Have the kernel kill this process when its parent dies, where the kernel can (Linux)."""
    if sys.platform == "linux":
        parent = os.getppid()
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:
            os._exit(1)


def mortal(work_of: Callable[[Request], Result], request: Request) -> Result:
    """What `work_of` makes of the request, in a process that ends with its parent.

    It is here because a process imports the module of what it is to run: not that of the job
    engine, which takes 60 MB and most of a second.
    """
    end_with_parent()
    return work_of(request)
