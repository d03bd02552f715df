"""A store of files in a bucket: S3, Google Cloud Storage, Azure, through obstore.

A file is read from a copy in a folder of this machine, fetched as a stream (`copies.py`). It is
stored from a finished one of that folder, in parts if it is large; what is cut off meanwhile leaves
no object.

The only file that imports obstore. Its errors tell where the bucket is and what it was sent, so
nothing of them is repeated but their kind.
"""

from collections.abc import Generator, Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import timedelta
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any

import structlog

from app.platform.copies import Copies
from app.platform.errors import ApiError
from app.platform.objects import NOBODYS, Stored

if TYPE_CHECKING:
    from obstore import GetResult
    from obstore.store import ObjectStore

log = structlog.get_logger(__name__)

# Options of the client, which obstore has beside those of the stores.
_CLIENT = frozenset(
    ["allow_http", "allow_invalid_certificates", "connect_timeout", "proxy_ca_certificate"]
) | frozenset(["proxy_url", "read_timeout", "timeout", "user_agent"])
# A download may take an hour as long as something arrives.
_PATIENCE = {"connect_timeout": "3s", "read_timeout": "20s", "timeout": "1h"}
_RETRIES: Any = {
    "max_retries": 6,
    "backoff": {"init_backoff": timedelta(seconds=0.1), "max_backoff": timedelta(seconds=3)},
    "retry_timeout": timedelta(seconds=15),
}
_PART_BYTES, _PARTS_AT_ONCE = 8 << 20, 3
_LISTED_AT_ONCE = 1000
_PIECE_BYTES = 1 << 20


class BucketSettingsError(ValueError):
    """The settings of the bucket cannot be used; the message names options, never a value."""


class Bucket:
    """Files under `prefix` of the bucket at `url`, with copies of at most `most_bytes` in `copies`.

    Raises as `Objects` says.
    """

    def __init__(
        self,
        url: str,
        options: Mapping[str, str],
        *,
        prefix: str,
        copies: Path,
        most_bytes: int,
    ) -> None:
        self._arguments = (url, dict(options), prefix, copies, most_bytes)
        self._url = f"{url.rstrip('/')}/{prefix}"
        self._options = options
        self._copies = Copies(copies, most_bytes)
        self._lock = Lock()
        self._store: ObjectStore | None = None

    def __reduce__(self) -> tuple[object, ...]:
        return _again, self._arguments

    def open(self) -> "ObjectStore":
        """The store behind, made when it is first asked for; nothing is sent yet.

        Raises BucketSettingsError.
        """
        with self._lock:
            if self._store is None:
                self._store = _store(self._url, self._options)
            return self._store

    def place(self, name: str) -> Path:
        """Where the copy is, or will be."""
        return self._copies.place(name)

    def fetch(self, name: str) -> Path:
        """The copy; waits for it to arrive."""
        return self._copies.fetch(name, lambda: self.read(name))

    async def local(self, name: str) -> Path:
        """As `fetch`."""
        return await self._copies.local(name, lambda: self.read(name))

    async def ping(self) -> None:
        """Ask for a file that there is not: the answer is that, or none comes."""
        import obstore

        with suppress(FileNotFoundError), _bucket_errors():
            await obstore.head_async(self.open(), NOBODYS)

    def keep(self, file: Path, name: str) -> None:
        """Store the file; it becomes the copy."""
        self._put(file, name)
        self._copies.keep(file, name)

    def read(self, name: str) -> Generator[bytes, None, None]:
        """The file as a stream from the bucket, which is asked at once."""
        import obstore

        store = self.open()
        with _bucket_errors():
            found = obstore.get(store, name)
        return _streamed(found)

    def put(self, file: Path, name: str) -> None:
        """Store the file, and keep no copy."""
        self._put(file, name)
        file.unlink()

    def _put(self, file: Path, name: str) -> None:
        import obstore

        store = self.open()
        with _bucket_errors():
            try:
                obstore.put(
                    store, name, file, chunk_size=_PART_BYTES, max_concurrency=_PARTS_AT_ONCE
                )
            except FileNotFoundError:
                raise _unavailable("There is no such bucket.") from None

    def delete(self, name: str) -> None:
        """Remove the file and the copy."""
        import obstore

        store = self.open()
        with _bucket_errors(), suppress(FileNotFoundError):
            obstore.delete(store, name)
        self._copies.delete(name)

    def delete_folder(self, name: str) -> None:
        """Remove the files and the copies."""
        import obstore

        store = self.open()
        with _bucket_errors():
            for page in obstore.list(store, f"{name}/", chunk_size=_LISTED_AT_ONCE):
                with suppress(FileNotFoundError):  # another process has removed one of them
                    obstore.delete(store, [each["path"] for each in page])
        self._copies.delete_folder(name)

    def stored(self) -> Iterator[Stored]:
        """All files of the bucket, page by page."""
        import obstore

        store = self.open()
        with _bucket_errors():
            for page in obstore.list(store, chunk_size=_LISTED_AT_ONCE):
                for each in page:
                    yield Stored(each["path"], each["size"], each["last_modified"].timestamp())

    def copies(self) -> Iterator[Stored]:
        """All copies of this machine."""
        return self._copies.stored()

    def drop_copy(self, name: str) -> None:
        """Remove a copy."""
        self._copies.delete(name)

    def sweep(self, older_than: float, dry_run: bool = False) -> tuple[int, int]:
        """Remove unfinished copies; unfinished objects only the bucket's own rules can see."""
        return self._copies.sweep(older_than, dry_run)


def _streamed(found: "GetResult") -> Generator[bytes, None, None]:
    with _bucket_errors():
        for piece in found.stream(min_chunk_size=_PIECE_BYTES):
            yield bytes(piece)


def _again(
    url: str, options: Mapping[str, str], prefix: str, copies: Path, most_bytes: int
) -> Bucket:
    return Bucket(url, options, prefix=prefix, copies=copies, most_bytes=most_bytes)


def _store(url: str, options: Mapping[str, str]) -> "ObjectStore":
    from obstore import store as stores

    client: dict[str, Any] = {k: v for k, v in options.items() if k in _CLIENT}
    for flag in client.keys() & {"allow_http", "allow_invalid_certificates"}:
        client[flag] = client[flag].lower() in ("1", "true", "yes", "on")
    config = {k: v for k, v in options.items() if k not in _CLIENT}
    if any(v.startswith("http://") for v in config.values()):
        client.setdefault("allow_http", True)
    if not url.startswith(("s3://", "gs://", "az://")):
        raise BucketSettingsError("MEDTUNE_BLOB_URL is none of s3://, gs://, az://.")
    from_url: Any = stores.from_url  # it is typed for each vendor's options by name
    try:
        store: ObjectStore = from_url(
            url, config=config, client_options=_PATIENCE | client, retry_config=_RETRIES
        )
        return store
    # Whatever is wrong with an option; some of it is not even an Exception, but obstore's panic.
    except BaseException as error:
        if isinstance(error, (KeyboardInterrupt, SystemExit)):
            raise
        names = ", ".join(sorted(options)) or "none"
        kind = type(error).__name__
        told = f"The bucket of MEDTUNE_BLOB_URL cannot be used with the options {names}: {kind}."
        raise BucketSettingsError(told) from None


@contextmanager
def _bucket_errors() -> Iterator[None]:
    from obstore.exceptions import BaseError, PermissionDeniedError, UnauthenticatedError

    try:
        yield
    except FileNotFoundError:
        raise FileNotFoundError("no such object") from None
    except (PermissionDeniedError, UnauthenticatedError) as error:
        log.warning("bucket_refused", error=type(error).__name__)
        raise _unavailable("The blob store refuses to be used.") from None
    except (BaseError, ValueError) as error:
        log.warning("bucket_failed", error=type(error).__name__)
        raise _unavailable("The blob store does not answer.") from None


def _unavailable(detail: str) -> ApiError:
    return ApiError("storage_unavailable", detail)
