"""The form in which what a model has found is corrected: fields to rows.

Rows are numbered: `mention.3.start`, `relation.0.disease`. A few after the known ones are empty, to
be filled in; `add.*` is a mention marked in the text.
"""

from pydantic import TypeAdapter, ValidationError

from app.console.corrections_rows import Found, MentionRow, RelationRow, Rows
from app.console.forms import Form

MOST_MENTIONS = 500
MOST_RELATIONS = 250
# More fields than all rows have.
MOST_FIELDS = 6 * (MOST_MENTIONS + MOST_RELATIONS)
EMPTY_MENTIONS, EMPTY_RELATIONS = 2, 1
_FOUND: TypeAdapter[Found] = TypeAdapter(Found)


def found_json(found: Found) -> str:
    """What a model has found, for a field of a form."""
    return _FOUND.dump_json(found).decode()


def rows_of(form: Form, text: str) -> Rows:
    """The rows of a form, or of what the playground has handed over.

    Raises ValueError for what no form of ours sends.
    """
    if found := form.text("found"):
        return _of_found(found, text)
    known = _count(form.text("mentions"), MOST_MENTIONS)
    mentions = [_mention(form, number) for number in range(known)]
    added = [_mention(form, known + each) for each in range(EMPTY_MENTIONS)]
    added.append(
        MentionRow(
            0, True, form.text("add.type"), "", form.text("add.start"), form.text("add.end"), ""
        )
    )
    for row in added:
        if row.start or row.end:
            mentions.append(_numbered(row, len(mentions)))
    known = _count(form.text("relations"), MOST_RELATIONS)
    relations = [_relation(form, number) for number in range(known + EMPTY_RELATIONS)]
    return Rows(
        text,
        mentions[:MOST_MENTIONS],
        [row for row in relations if row.number < known or row.chemical or row.disease],
    )


def _of_found(found: str, text: str) -> Rows:
    try:
        given = _FOUND.validate_json(found)
    except ValidationError:
        raise ValueError("not what the playground hands over") from None
    return Rows(
        text,
        [
            MentionRow(
                number,
                True,
                mention.type,
                ", ".join(mention.identifiers),
                str(mention.start),
                str(mention.end),
                _score(mention.score),
            )
            for number, mention in enumerate(given.mentions[:MOST_MENTIONS])
        ],
        [
            RelationRow(
                number, True, str(relation.chemical), str(relation.disease), _score(relation.score)
            )
            for number, relation in enumerate(given.relations[:MOST_RELATIONS])
        ],
    )


def _mention(form: Form, number: int) -> MentionRow:
    at = f"mention.{number}"
    return MentionRow(
        number=number,
        keep=bool(form.text(f"{at}.keep")),
        type=form.text(f"{at}.type"),
        identifiers=form.text(f"{at}.identifiers").strip(),
        start=form.text(f"{at}.start").strip(),
        end=form.text(f"{at}.end").strip(),
        score=form.text(f"{at}.score"),
    )


def _numbered(row: MentionRow, number: int) -> MentionRow:
    return MentionRow(number, True, row.type, row.identifiers, row.start, row.end, "")


def _relation(form: Form, number: int) -> RelationRow:
    at = f"relation.{number}"
    return RelationRow(
        number=number,
        keep=bool(form.text(f"{at}.keep")),
        chemical=form.text(f"{at}.chemical"),
        disease=form.text(f"{at}.disease"),
        score=form.text(f"{at}.score"),
    )


def _count(typed: str, most: int) -> int:
    if not typed.isdecimal() or len(typed) > 6 or int(typed) > most:
        raise ValueError("not a number of rows")
    return int(typed)


def _score(score: float | None) -> str:
    return "" if score is None else f"{score:.2f}"
