"""The files a dataset was uploaded as; their bytes are kept only until they have been read."""

from sqlalchemy import BigInteger, ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from app.tables.base import Owned, Table
from app.tables.sealed import SealedText


class DatasetFileRow(Owned, Table):
    """One uploaded file, in the order of the upload."""

    __tablename__ = "dataset_files"

    dataset_id: Mapped[str] = mapped_column(
        ForeignKey("datasets.id", ondelete="CASCADE"), primary_key=True
    )
    position: Mapped[int] = mapped_column(primary_key=True)
    filename: Mapped[str] = mapped_column(SealedText("dataset_files.filename"))
    split: Mapped[str | None]
    sha256: Mapped[str]
    bytes: Mapped[int] = mapped_column(BigInteger)
    blob: Mapped[str]
