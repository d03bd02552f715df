"""Each column says of a candidate what its name promises, however many texts are read at once."""

import numpy as np
import pytest

from app.backends.local.candidates import find
from app.backends.local.labels import Span
from app.backends.local.lexicon import Lexicon
from app.backends.local.reading import Reading, read
from app.backends.local.span_table import COLUMNS, logit, span_table
from app.backends.local.word_counts import WordCounts
from tests.backends.local.test_candidates import LABELS, prediction, sure

LEXICON = Lexicon({"renal failure": (0, 3, 4), "lithium": (9, 1, 12)})
WORDS = WordCounts.learn(
    [["renal", "failure", "and", "lithium", "failure"]],
    [[Span(0, 2, "Disease"), Span(3, 4, "Chemical")]],
)


def rows(
    readings: list[Reading], emissions: np.ndarray
) -> list[tuple[tuple[int, Span], dict[str, float]]]:
    """For each candidate its place and its columns by name."""
    said = prediction(readings, emissions)
    marginals = said.marginals()
    candidates = find(readings, said, marginals)
    table = span_table(readings, said, marginals, candidates, LEXICON, WORDS)
    spans = candidates.spans([first for first, _ in said.bounds])
    places = zip(candidates.reading.tolist(), spans, strict=True)
    return [
        (place, dict(zip(COLUMNS, row, strict=True)))
        for place, row in zip(places, table.tolist(), strict=True)
    ]


def columns(text: str, *mentions: Span, title: int = 0) -> dict[Span, dict[str, float]]:
    """The columns of the candidates of a CRF that is sure of these mentions."""
    readings = [read(text, title)]
    emissions = sure(readings, *((0, mention) for mention in mentions))
    return {span: row for (_, span), row in rows(readings, emissions)}


DISEASE = Span(0, 2, "Disease")


def test_dictionary_and_words_speak_of_the_candidates_own_type() -> None:
    row = columns("Renal failures and lithium.", DISEASE, Span(3, 4, "Chemical"))
    assert row[DISEASE]["kind"] == 1
    assert row[DISEASE]["entry right"] == 3
    assert row[DISEASE]["entry purity"] == 0.75
    assert row[DISEASE]["entry wrong"] == 0
    assert row[DISEASE]["last word"] == -1
    assert row[DISEASE]["first word"] == row[DISEASE]["best word"] == pytest.approx(1.1 / 1.5)
    assert row[DISEASE]["worst word"] == pytest.approx(0.2)
    lithium = row[Span(3, 4, "Chemical")]
    assert (lithium["entry right"], lithium["entry wrong"]) == (9, 1)
    assert lithium["last word"] == pytest.approx(1 / 1.5)
    assert lithium["last word wrong"] == 0


def test_how_a_candidate_is_written() -> None:
    row = columns("MG-2 (then ibuprofen).", Span(0, 3, "Chemical"), Span(3, 6, "Chemical"))
    code, torn = row[Span(0, 3, "Chemical")], row[Span(3, 6, "Chemical")]
    assert (code["tokens"], code["characters"], code["letters"]) == (3, 4, 0.5)
    assert (code["capitals"], torn["capitals"]) == (1, 0)
    assert (code["brackets"], torn["brackets"]) == (0, 1)


def test_what_stands_around_a_candidate() -> None:
    text = "No lithium. Renal failure and lithium-like."
    row = columns(
        text,
        Span(1, 2, "Chemical"),
        Span(3, 5, "Disease"),
        Span(6, 7, "Chemical"),
        title=len("No lithium."),
    )
    first, middle, last = row.values()
    assert [each["title"] for each in row.values()] == [1, 0, 0]
    assert [each["glued after"] for each in row.values()] == [1, 0, 1]
    assert middle["word after"] == pytest.approx(0.1 / 1.5)
    assert middle["others after"] == pytest.approx(1, abs=1e-3)
    assert middle["same after"] == pytest.approx(0, abs=1e-3)
    assert last["others before"] == pytest.approx(1, abs=1e-3)
    assert first["same before"] == first["others before"] == 0


def test_the_same_words_elsewhere() -> None:
    row = columns("Tremor, tremor and tremor.", Span(0, 1, "Disease"), Span(2, 3, "Disease"))
    first, second = row.values()
    assert first["occurrences"] == second["occurrences"] == 3
    assert first["best elsewhere"] == second["best elsewhere"] > 5
    assert first["mean elsewhere"] == pytest.approx(1, abs=1e-3)
    assert first["share elsewhere"] == pytest.approx(1 / 3, abs=1e-3)
    alone = columns("Tremor.", Span(0, 1, "Disease"))[Span(0, 1, "Disease")]
    assert alone["mean elsewhere"] == -1
    assert alone["best elsewhere"] == logit(np.zeros(1))[0]


def test_long_and_short_forms_know_each_other() -> None:
    long, short = Span(0, 3, "Disease"), Span(4, 5, "Disease")
    row = columns("Acute renal failure (ARF), and ARF is bad.", long, short)
    assert (row[short]["short forms"], row[long]["short forms"]) == (2, -1)
    assert row[short]["long form"] == pytest.approx(1, abs=1e-3)
    assert row[short]["in long form"] == pytest.approx(1, abs=1e-3)
    assert row[long]["short forms of it"] == pytest.approx(0.5, abs=1e-3)
    assert row[short]["short forms of it"] == -1


def test_rivals_are_told_apart() -> None:
    readings = [read("renal failure")]
    emissions = np.full((2, len(LABELS)), -20.0)
    for token, label, score in (
        (0, "B-Disease", 2.0),
        (1, "L-Disease", 2.0),
        (0, "O", 2.0),
        (1, "U-Disease", 1.0),
        (1, "U-Chemical", 1.0),
    ):
        emissions[token, LABELS.index(label)] = score
    row = {span: each for (_, span), each in rows(readings, emissions)}
    whole, disease = row[DISEASE], row[Span(1, 2, "Disease")]
    chemical = row[Span(1, 2, "Chemical")]
    assert whole["inside"] == disease["chance"] == chemical["other kind"]
    assert disease["around"] == chemical["around"] == whole["chance"]
    assert disease["other kind"] == chemical["chance"]
    assert whole["around"] == disease["across"] == logit(np.zeros(1))[0]
    low, high = (1 / (1 + np.exp(-each["chance"])) for each in (disease, whole))
    assert whole["rivals"] == pytest.approx(2 * low)
    assert disease["rivals"] == pytest.approx(low + high)


def test_texts_read_together_have_the_rows_of_each_alone() -> None:
    texts = ["Tremor (TR) and TR. Tremor.", "", "Renal failure, tremor.", "x"]
    readings = [read(text, 3) for text in texts]
    random = np.random.default_rng(3)
    sizes = [len(each.words) for each in readings]
    emissions = 2 * random.normal(size=(sum(sizes), len(LABELS)))
    together = rows(readings, emissions)
    ends = np.cumsum(sizes)
    for number, (reading, size, end) in enumerate(zip(readings, sizes, ends, strict=True)):
        alone = rows([reading], emissions[end - size : end])
        mine = [(span, row) for (at, span), row in together if at == number]
        assert [span for span, _ in mine] == [span for (_, span), _ in alone]
        for (_, row), (_, expected) in zip(mine, alone, strict=True):
            assert row == pytest.approx(expected)
