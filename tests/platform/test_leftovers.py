"""What the start of a process removes by itself."""

from dataclasses import replace
from pathlib import Path

import pytest

from app.backends.registry import Backends
from app.main import running
from app.parts import create_platform
from app.platform.blobs import Blobs
from app.platform.clock import new_id
from app.platform.settings import Settings


@pytest.mark.parametrize("url", [None, "s3://shared/medtune"])
async def test_a_start_removes_leftovers_but_from_no_bucket(
    tmp_path: Path, url: str | None
) -> None:
    """A bucket may be another service's as well, or this one's database a new one."""
    options = {"region": "eu-central-1", "access_key_id": "a", "secret_access_key": "b"}
    settings = Settings.model_validate(
        {"data_dir": tmp_path, "blob_url": url, "blob_options": options if url else {}}
    )
    made = create_platform(settings, Backends({}))
    platform = replace(made, blobs=Blobs.in_folder(tmp_path / "there"))
    with platform.blobs.writer(new_id("ds")) as out:
        out.write(b"Nobody's.")
    async with running(platform, Backends({}), ()):
        assert platform.blobs.place(out.key).exists() is (url is not None)
