"""Where the settings have blobs and trained models lie: in the data folder, or in a bucket; sealed
if there are keys."""

import shutil
from pathlib import Path

from app.platform.blobs import Blobs
from app.platform.bucket import Bucket
from app.platform.encryption import create_keyring, plain_folder
from app.platform.objects import Folder, Objects, Store
from app.platform.sealed_objects import SealedObjects
from app.platform.settings import Settings

# What each store is called in a bucket, and its folder in the data folder: of files, or of copies.
BLOBS, MODELS = "blobs", "models"
_FOLDERS = {BLOBS: "blobs", MODELS: "local/models"}
_COPIES = {BLOBS: "cache", MODELS: "local/models"}


def create_blobs(settings: Settings, scratch: Path | None = None) -> Blobs:
    """The blobs; `scratch` as for `create_models`. Raises BucketSettingsError, EncryptionError."""
    return Blobs(_objects(settings, BLOBS, scratch))


def create_models(settings: Settings, scratch: Path | None = None) -> Objects:
    """The files of trained models, each named by its sha256.

    `scratch` is the folder of this process alone, where plain copies of sealed files lie. Raises
    BucketSettingsError, EncryptionError.
    """
    return _objects(settings, MODELS, scratch)


def create_store(settings: Settings, name: str) -> Store:
    """Files as they are stored, of BLOBS or MODELS. Raises BucketSettingsError."""
    if settings.blob_url is None:
        return Folder((settings.data_dir / _FOLDERS[name]).absolute())
    bucket = Bucket(
        settings.blob_url,
        {option: value.get_secret_value() for option, value in settings.blob_options.items()},
        prefix=name,
        copies=(settings.data_dir / _COPIES[name]).absolute(),
        most_bytes=settings.blob_cache_bytes,
    )
    bucket.open()
    return bucket


def drop_plain_copies(settings: Settings) -> None:
    """Remove the copies of files in a bucket that lie in the data folder from before there were
    keys. Raises BucketSettingsError."""
    for name in (BLOBS, MODELS):
        store = create_store(settings, name)
        for each in store.copies():
            store.drop_copy(each.name)


def _objects(settings: Settings, name: str, scratch: Path | None) -> Objects:
    store, keyring = create_store(settings, name), create_keyring(settings)
    if keyring is None:
        return store
    folder = (scratch or plain_folder(settings)).absolute()
    return SealedObjects(store, keyring, folder / name, _most_bytes(settings, folder))


def _most_bytes(settings: Settings, folder: Path) -> int:
    """No more than a quarter of what is there: what is being written lies there, too."""
    there = next((each for each in (folder, *folder.parents) if each.is_dir()), Path("/"))
    return min(settings.blob_cache_bytes, shutil.disk_usage(there).total // 4)
