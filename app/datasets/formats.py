"""All formats a dataset may come in: those of corpora, and the prompt rows of training files."""

from app.corpora.formats import FORMATS as CORPUS_FORMATS
from app.corpora.formats import Format
from app.prompts import csv_rows, rows

FORMATS: dict[str, Format] = CORPUS_FORMATS | {
    format_.name: format_ for format_ in (rows.FORMAT, csv_rows.FORMAT)
}
EXPORT_FORMATS = tuple(name for name, format_ in FORMATS.items() if format_.write is not None)
