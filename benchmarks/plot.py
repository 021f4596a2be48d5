"""The plot of a measurement: one SVG, written by hand, readable on a light and on a dark page.

It shows seconds, never ratios, and under each bar the work that was done: no bar stands beside another in silence.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from html import escape
from typing import Any

Json = Mapping[str, Any]

_WIDTH, _LEFT, _BAR, _STEP, _SCALE = 1000, 260, 16, 44, 630
#: Characters of a note that there is room for; a pointer over it shows the rest.
_NOTE = 118
_LEGEND = "Blue: ours, and the limits of database and disk. Amber: peers. Less is better."
_STYLE = """
  text { font: 13px system-ui, sans-serif; fill: #1f2328 }
  .title { font-weight: 600; font-size: 15px }
  .note, .figure { fill: #59636e; font-size: 12px }
  .ours { fill: #0969da } .peer { fill: #9a6700 } .range { stroke: #1f2328; stroke-width: 1.5 }
  @media (prefers-color-scheme: dark) {
    text { fill: #f0f6fc }
    .note, .figure { fill: #9198a1 }
    .ours { fill: #4493f8 } .peer { fill: #d29922 } .range { stroke: #f0f6fc }
  }
"""


def plot(measured: Sequence[Json]) -> str:
    """Seconds of wall clock, a bar a contender with the range over the rounds; each benchmark has its own scale.

    Args:
        measured: benchmarks as `report.as_json` has them.
    """
    top, parts = 30, []
    for one in measured:
        parts += _section(one, top)
        top += 10 + len(one["contenders"]) * _STEP + 36
    parts.append(f'<text class="note" x="16" y="{top - 12}">{_LEGEND}</text>')
    said = escape("; ".join(one["title"] for one in measured), quote=True)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {top}" width="{_WIDTH}" height="{top}"'
        f' role="img" aria-label="{said}">\n<style>{_STYLE}</style>\n' + "\n".join(parts) + "\n</svg>\n"
    )


def _section(measured: Json, top: int) -> Iterator[str]:
    yield f'<text class="title" x="16" y="{top}">{escape(measured["title"])}: seconds</text>'
    contenders = measured["contenders"]
    seconds = [
        [one["wall_s"][name] * _scale(measured, one) for name in ("low", "median", "high")] for one in contenders
    ]
    most = max(max(values) for values in seconds)
    for place, contender in enumerate(contenders):
        y = top + 14 + place * _STEP
        ends = [_LEFT + round(_SCALE * value / most, 1) for value in seconds[place]]
        kind, line = "peer" if contender["peer"] else "ours", y + _BAR // 2
        yield f'<text x="{_LEFT - 8}" y="{y + 13}" text-anchor="end">{escape(contender["label"])}</text>'
        yield f'<rect class="{kind}" x="{_LEFT}" y="{y}" width="{ends[1] - _LEFT:.1f}" height="{_BAR}" rx="2"/>'
        yield f'<line class="range" x1="{ends[0]}" x2="{ends[2]}" y1="{line}" y2="{line}"/>'
        yield f'<text class="figure" x="{ends[2] + 8}" y="{y + 13}">{seconds[place][1]:.2f}</text>'
        work = escape(_work(measured, contender))
        shown = work if len(work) <= _NOTE else work[:_NOTE].rpartition("; ")[0] + "; …"
        yield f'<text class="note" x="{_LEFT}" y="{y + 30}">{shown}<title>{work}</title></text>'


def _units(measured: Json, contender: Json) -> int:
    return int(contender["work"][measured["unit"]])


def _scale(measured: Json, contender: Json) -> float:
    """By how much a contender that was given less is drawn longer, so that bars stand for the same amount."""
    return max(_units(measured, other) for other in measured["contenders"]) / _units(measured, contender)


def _work(measured: Json, contender: Json) -> str:
    """What a contender did, in its own words, the amounts that others have otherwise, and whether its bar is scaled."""
    works = [one["work"] for one in measured["contenders"]]
    work, unit = contender["work"], measured["unit"]
    if _scale(measured, contender) != 1:
        amounts = [f"scaled from a run of {_units(measured, contender):,} {unit}"]
    elif any(_scale(measured, other) != 1 for other in measured["contenders"]):
        amounts = []
    else:
        amounts = [
            f"{value:,} {name}"
            for name, value in work.items()
            if isinstance(value, int) and any(other.get(name) != value for other in works)
        ]
    return "; ".join(amounts + [value for value in work.values() if isinstance(value, str) and value != "nothing"])
