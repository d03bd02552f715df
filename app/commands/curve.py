"""`medtune curve`: the training curve of a fine-tune, drawn."""

from pathlib import Path

from rich.console import Console

from app import charts
from app.commands.files import check_writable, writing
from app.commands.service import Target, at_service, checked, pages, path_of


def run(fine_tune_id: str, output: Path, target: Target, console: Console) -> None:
    """Draw what a fine-tune has told of its training. Raises CommandError, ChartError."""
    check_writable(output)
    charts.check(output)
    points: dict[str, tuple[list[int], list[float]]] = {}
    with at_service(target) as client:
        path = path_of("fine-tunes", fine_tune_id)
        fine_tune = checked(client.get(path), "name")
        for point in pages(client, f"{path}/metrics", {"limit": 1000}):
            steps, values = points.setdefault(f"{point['stage']} {point['name']}", ([], []))
            steps.append(point["step"])
            values.append(point["value"])
    series = [charts.Series(name, steps, values) for name, (steps, values) in points.items()]
    with writing(output):
        charts.draw_curve(series, f"Training of {fine_tune['name']}", output)
    console.print(f"Written: {output}", highlight=False, markup=False)
