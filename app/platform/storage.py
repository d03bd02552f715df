"""Where the settings have blobs and trained models lie: in the data folder, or in a bucket."""

from app.platform.blobs import Blobs
from app.platform.bucket import Bucket
from app.platform.objects import Folder, Objects
from app.platform.settings import Settings


def create_blobs(settings: Settings) -> Blobs:
    """The blobs; copies of a bucket's in `cache`. Raises BucketSettingsError."""
    if settings.blob_url is None:
        return Blobs.in_folder(settings.data_dir / "blobs")
    return Blobs(_bucket(settings, settings.blob_url, "blobs", "cache"))


def create_models(settings: Settings) -> Objects:
    """The files of trained models, each named by its sha256. Raises BucketSettingsError."""
    folder = "local/models"
    if settings.blob_url is None:
        return Folder((settings.data_dir / folder).absolute())
    return _bucket(settings, settings.blob_url, "models", folder)


def _bucket(settings: Settings, url: str, prefix: str, copies: str) -> Bucket:
    bucket = Bucket(
        url,
        {name: value.get_secret_value() for name, value in settings.blob_options.items()},
        prefix=prefix,
        copies=(settings.data_dir / copies).absolute(),
        most_bytes=settings.blob_cache_bytes,
    )
    bucket.open()
    return bucket
