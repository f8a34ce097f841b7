"""The results for people: a table of medians with ratios, and a plot of the ratios."""

from __future__ import annotations

import math
import statistics
from collections.abc import Mapping, Sequence
from html import escape

from benchmarks.work import Figure

BEGIN, END = "<!-- table -->", "<!-- /table -->"
Values = Mapping[str, Mapping[str, Sequence[float]]]


def table(figures: Sequence[Figure], values: Values, peers: Sequence[str], *, reference: str) -> str:
    """Markdown: the median of each figure, and in brackets how many times better than the reference."""
    lines = ["| work | " + " | ".join(peers) + " |", "|---|" + "---:|" * len(peers)]
    for figure in figures:
        cells = [_cell(figure, values[figure.name], peer, reference) for peer in peers]
        lines.append(f"| {figure.name}, {figure.unit} {'↑' if figure.larger else '↓'} | {' | '.join(cells)} |")
    return "\n".join(lines)


def between_marks(document: str, text: str) -> str:
    """The document with `text` between its two marks. Raises ValueError when it has none."""
    before, begin, rest = document.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not end:
        raise ValueError(f"the document has no {BEGIN} … {END}")
    return f"{before}{begin}\n{text}\n{end}{after}"


def ratio(figure: Figure, values: Mapping[str, Sequence[float]], peer: str, reference: str) -> float | None:
    """The median over rounds of how many times better `peer` is; above 1 is better. None when not measured."""
    pairs = [pair for pair in zip(values.get(peer, ()), values.get(reference, ()), strict=False) if all(pair)]
    if not pairs:
        return None
    return statistics.median(mine / theirs if figure.larger else theirs / mine for mine, theirs in pairs)


def plot(figures: Sequence[Figure], values: Values, reference: str) -> str:
    """An SVG bar for each figure: filehost-fast beside the reference (the line at 1), logarithmic."""
    rows, height = [], 22
    for number, figure in enumerate(figures):
        times = ratio(figure, values[figure.name], "filehost-fast", reference)
        if times is None:
            continue
        rows.append(_bar(number * height + 30, figure.name, times))
    size = f'width="760" height="{len(figures) * height + 50}"'
    title = f"Filehost DAV, times better than {escape(reference)} (log scale)"
    line = f'<line x1="{_x(1)}" x2="{_x(1)}" y1="24" y2="{len(figures) * height + 30}" stroke="#888"/>'
    style = "<style>text{font:12px sans-serif}</style>"
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" {size}>{style}<rect width="100%" height="100%" fill="#fff"/>'
        f'<text x="10" y="16">{title}</text>{line}{"".join(rows)}</svg>'
    )


def _cell(figure: Figure, values: Mapping[str, Sequence[float]], peer: str, reference: str) -> str:
    if not values.get(peer):
        return "–"
    median = statistics.median(values[peer])
    shown = f"{median:,.0f}" if median >= 100 else f"{median:.3g}"
    times = ratio(figure, values, peer, reference)
    return shown if times is None or peer == reference else f"{shown} ({times:.2f})"


def _bar(y: int, name: str, times: float) -> str:
    left, right = sorted((_x(1), _x(times)))
    colour = "#2a7f4f" if times >= 1 else "#b5533c"
    return (
        f'<text x="250" y="{y + 12}" text-anchor="end">{escape(name)}</text>'
        f'<rect x="{left}" y="{y}" width="{max(right - left, 1)}" height="14" fill="{colour}"/>'
        f'<text x="{right + 5}" y="{y + 12}">{times:.2f}</text>'
    )


def _x(times: float) -> float:
    return round(380 + 80 * math.log10(max(min(times, 10000), 0.05)), 1)
