"""Charts as SVG text, drawn by hand: a report is one file that opens anywhere."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape

WIDTH, HEIGHT, LEFT, BOTTOM, TOP = 460, 300, 64, 44, 14
INNER_W, INNER_H = WIDTH - LEFT - 14, HEIGHT - BOTTOM - TOP

#: What should come of those who need no ticket.
RIGHT_WITHOUT_TICKET = {"human": "person", "chitchat": "no ticket", "out_of_scope": "no ticket"}


def _x(value: float) -> float:
    return LEFT + value * INNER_W


def _y(value: float) -> float:
    return TOP + (1 - value) * INNER_H


def _text(x: float, y: float, words: str, anchor: str = "middle", extra: str = "") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" {extra}>{escape(words)}</text>'


def _frame(
    title: str, across: str, up: str, x_ticks: str, top: float, inside: str, ticks: str = ".3g"
) -> str:
    """A chart's title for screen readers, axes, their names and four steps upwards to `top`.

    `ticks` is the format of the numbers upwards.
    """
    steps = "".join(
        f'<line class="grid" x1="{LEFT}" x2="{LEFT + INNER_W}" y1="{_y(i / 4):.1f}" '
        f'y2="{_y(i / 4):.1f}"/>' + _text(LEFT - 6, _y(i / 4) + 4, f"{top * i / 4:{ticks}}", "end")
        for i in range(5)
    )
    turned = f'transform="rotate(-90 12 {TOP + INNER_H / 2:.0f})"'
    return (
        f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{escape(title)}">'
        f"{steps}{x_ticks}{inside}"
        + _text(LEFT + INNER_W / 2, HEIGHT - 6, across)
        + _text(12, TOP + INNER_H / 2, up, "middle", turned)
        + "</svg>"
    )


def _shares_across() -> str:
    return "".join(_text(_x(i / 5), TOP + INNER_H + 18, f"{i / 5:.1f}") for i in range(6))


def histogram(counts: Mapping[int, int], across: str) -> str:
    """Bars for 0, 1, 2, ... up to the largest key.

    Args:
        counts: value -> how often.
        across: name of the horizontal axis.
    """
    slots = max(counts, default=0) + 1
    # Four even steps of whole cases, with room for the number above the highest bar.
    top = (max(counts.values(), default=0) * 11 // 10 // 4 + 1) * 4
    bars, ticks = "", ""
    for value in range(slots):
        count = counts.get(value, 0)
        left, width = _x(value / slots), INNER_W / slots
        height = count / top * INNER_H
        bars += (
            f'<rect class="bar" x="{left + width * 0.15:.1f}" y="{TOP + INNER_H - height:.1f}" '
            f'width="{width * 0.7:.1f}" height="{height:.1f}"/>'
            + _text(left + width / 2, TOP + INNER_H - height - 4, str(count))
        )
        ticks += _text(left + width / 2, TOP + INNER_H + 18, str(value))
    return _frame(f"Cases by {across}", across, "cases", ticks, top, bars)


def risk_coverage_chart(points: Sequence[tuple[float, float]]) -> str:
    """Risk (share wrong among those answered) against coverage (share answered), both 0..1."""
    top = max((risk for _, risk in points), default=0.0) or 0.01
    path = " ".join(f"{_x(coverage):.1f},{_y(risk / top):.1f}" for coverage, risk in points)
    line = f'<polyline class="line" points="{path}"/>'
    across = _shares_across()
    return _frame("Risk against coverage", "coverage", "risk", across, top, line, ".1%")


def reliability_chart(bins: Sequence[tuple[int, float, float]]) -> str:
    """Share right against probability; the diagonal is perfect, a dot's size shows its count.

    Args:
        bins: (count, mean probability, share right).
    """
    most = max((count for count, _, _ in bins), default=1)
    diagonal = f'<line class="aim" x1="{_x(0)}" y1="{_y(0)}" x2="{_x(1)}" y2="{_y(1)}"/>'
    path = " ".join(f"{_x(p):.1f},{_y(right):.1f}" for _, p, right in bins)
    dots = "".join(
        f'<circle class="dot" cx="{_x(p):.1f}" cy="{_y(right):.1f}" '
        f'r="{3 + 6 * (count / most) ** 0.5:.1f}"><title>{count}: {p:.2f} said, {right:.2f} right'
        "</title></circle>"
        for count, p, right in bins
    )
    inside = f'{diagonal}<polyline class="line" points="{path}"/>{dots}'
    return _frame("Reliability", "probability said", "share right", _shares_across(), 1.0, inside)


def confusion_table(counts: Mapping[tuple[str, str], int], rows: Sequence[str]) -> str:
    """An HTML table: what was needed (down) against what came of it (across).

    Args:
        counts: (true, result) -> cases.
        rows: the needs in the order to show them.
    """
    results = {result for _, result in counts}
    columns = [one for one in (*rows, "person", "stranded", "no ticket") if one in results]
    head = "".join(f'<th class="turned" scope="col"><span>{escape(c)}</span></th>' for c in columns)
    body = ""
    for true in rows:
        total = sum(count for (need, _), count in counts.items() if need == true)
        if not total:
            continue
        cells = ""
        for column in columns:
            count = counts.get((true, column), 0)
            kind = "right" if column == RIGHT_WITHOUT_TICKET.get(true, true) else "off"
            style = f' class="{kind}" style="--share:{count / total:.3f}"' if count else ""
            cells += f"<td{style}>{count or ''}</td>"
        body += f'<tr><th scope="row">{escape(true)}</th>{cells}<td class="sum">{total}</td></tr>'
    return (
        f'<table class="confusion"><thead><tr><th>needed \\ got</th>{head}<th>cases</th></tr>'
        f"</thead><tbody>{body}</tbody></table>"
    )
