"""A process that writes a blob to a bucket, or fetches one: to be measured or killed.

`python -m tests.platform.bucket_process write|fetch <pickled Blobs> <owner or key> <MiB>` prints
the blob's key, and by how many bytes the process grew at most.
"""

import pickle
import resource
import sys

from app.platform.blobs import Blobs

_MIB = 1 << 20


def _peak() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def main(what: str, pickled: str, name: str, mib: int) -> None:
    blobs: Blobs = pickle.loads(bytes.fromhex(pickled))
    small = f"{name.partition('/')[0]}"
    with blobs.writer(small) as warm:  # what the first use of a store takes is not counted
        warm.write(b"warm")
    before = _peak()
    if what == "write":
        with blobs.writer(name) as out:
            for number in range(mib):
                out.write(number.to_bytes(4, "big") * (_MIB // 4))
        key = out.key
    else:
        key = name
        blobs.fetch(key)
    print(key, _peak() - before)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4]))
