"""What a benchmark found: a table with the ratios first, or the same as JSON."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass

from rich.console import Console
from rich.table import Table


@dataclass(frozen=True)
class Line:
    """One measured thing. `ratio`: to the peer or limit that `what` names; `goal`: in words."""

    what: str
    measured: float
    unit: str
    ratio: float | None = None
    goal: str = ""
    met: bool | None = None


def show(title: str, lines: Sequence[Line], *, as_json: bool) -> None:
    """Print them to the standard output."""
    console = Console()
    if as_json:
        found = {"bench": title, "lines": [asdict(line) for line in lines]}
        console.print_json(json.dumps(found))
        return
    table = Table(title=title, title_justify="left")
    table.add_column("ratio", justify="right")
    table.add_column("goal")
    table.add_column("what")
    table.add_column("measured", justify="right")
    for line in lines:
        table.add_row(_ratio(line.ratio), _goal(line), line.what, _measured(line))
    console.print(table)


def _ratio(ratio: float | None) -> str:
    if ratio is None:
        return ""
    return f"{ratio:.2f}" if ratio < 100 else f"{ratio:,.0f}"


def _goal(line: Line) -> str:
    if line.met is None:
        return line.goal
    return f"{line.goal}: {'met' if line.met else 'missed'}"


def _measured(line: Line) -> str:
    digits = 0 if line.measured >= 100 else 1 if line.measured >= 10 else 2
    return f"{line.measured:,.{digits}f} {line.unit}"
