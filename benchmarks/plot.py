"""The plot of a measurement: one SVG, written by hand, readable on a light and on a dark page."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from html import escape

from benchmarks.frame import Measured, middle
from benchmarks.report import sentence

_WIDTH, _LEFT, _BAR, _STEP, _PLOT, _LINE = 860, 290, 18, 28, 440, 90
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


def plot(measured: Sequence[Measured]) -> str:
    """Seconds of wall clock, a bar a contender with the range over the rounds; each benchmark has its own scale."""
    top, parts = 30, []
    for one in measured:
        drawn = list(_section(one, top))
        parts += drawn
        top = _bottom(one, top)
    said = escape("; ".join(one.benchmark.title for one in measured))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {top}" width="{_WIDTH}" height="{top}"'
        f' role="img" aria-label="{said}">\n<style>{_STYLE}</style>\n' + "\n".join(parts) + "\n</svg>\n"
    )


def _section(measured: Measured, top: int) -> Iterator[str]:
    yield f'<text class="title" x="16" y="{top}">{escape(measured.benchmark.title)}: seconds, less is better</text>'
    most = max(run.wall for runs in measured.runs.values() for run in runs)
    for place, contender in enumerate(measured.benchmark.contenders):
        y = top + 14 + place * _STEP
        wall, low, high = middle(measured.values(contender.name, "wall"))
        ends = [_LEFT + round(_PLOT * value / most, 1) for value in (low, wall, high)]
        middle_of_bar, kind = y + _BAR // 2, "peer" if contender.peer else "ours"
        yield f'<text x="{_LEFT - 8}" y="{y + 14}" text-anchor="end">{escape(contender.label)}</text>'
        yield f'<rect class="{kind}" x="{_LEFT}" y="{y}" width="{ends[1] - _LEFT:.1f}" height="{_BAR}" rx="2"/>'
        yield f'<line class="range" x1="{ends[0]}" x2="{ends[2]}" y1="{middle_of_bar}" y2="{middle_of_bar}"/>'
        yield f'<text class="figure" x="{ends[2] + 8}" y="{y + 14}">{wall:.2f} s</text>'
    y = top + 14 + len(measured.benchmark.contenders) * _STEP + 6
    for line in _notes(measured):
        yield f'<text class="note" x="16" y="{y}">{escape(line)}</text>'
        y += 17


def _notes(measured: Measured) -> list[str]:
    """The ratios, with what differs, cut to the width of the plot."""
    lines = [line for comparison in measured.benchmark.comparisons for line in sentence(measured, comparison)]
    return [part for line in lines for part in _folded(line.strip())]


def _folded(line: str) -> Iterator[str]:
    while len(line) > _LINE + 30:
        cut = line.rfind(" ", 0, _LINE + 30)
        yield line[:cut]
        line = "    " + line[cut + 1 :]
    yield line


def _bottom(measured: Measured, top: int) -> int:
    return top + 14 + len(measured.benchmark.contenders) * _STEP + 17 * len(_notes(measured)) + 40
