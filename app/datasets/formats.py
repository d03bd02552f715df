"""All formats a dataset may come in: those of corpora, and the prompt rows of training files."""

from app.corpora.formats import FORMATS as CORPUS_FORMATS
from app.corpora.formats import Format
from app.prompts import rows

FORMATS: dict[str, Format] = CORPUS_FORMATS | {rows.FORMAT.name: rows.FORMAT}
EXPORT_FORMATS = tuple(name for name, format_ in FORMATS.items() if format_.write is not None)
