"""The blend pad: a wheel of expressions around the neutral face, and a dot to drag."""

import math
from typing import Any

import gradio as gr

from .components import own_component
from .strings import LABELS

# Neighbours on the wheel are expressions that mix well; the order is that of the circumplex model of affect.
WHEEL = ("happy", "surprised", "afraid", "angry", "disgusted", "sad")
CENTRE = "neutral"
RADIUS = 84  # of the wheel, in units of a drawing 330 wide and 236 high


def blend_pad(expressions: tuple[str, ...], value: dict[str, float], **options: Any) -> gr.HTML:
    """A component for a blend, {"happy": 0.7, "neutral": 0.3}, which it puts on the page's desk.

    The direction of the dot says which one or two expressions, its distance from the middle how much of them. A model
    without a neutral expression, or with others around it, gets its own wheel, with an even mix in the middle.
    """
    around = [name for name in WHEEL if name in expressions]
    around += [name for name in expressions if name not in around and name != CENTRE]
    centre = CENTRE if CENTRE in expressions else ""
    labels = {name: LABELS.get(name, name) for name in expressions}
    wiring = {"around": around, "centre": centre, "radius": RADIUS, "labels": labels}
    return own_component("pad.js", drawing(around, labels.get(centre, "")), value, wiring=wiring, **options)


def drawing(around: list[str], middle: str) -> str:
    """The wheel as SVG: a disc, a spoke and a label for each expression, what the middle is called, and the dot."""
    parts = []
    for index, name in enumerate(around):
        angle = 2 * math.pi * index / len(around)
        x, y = math.sin(angle), -math.cos(angle)
        beyond = RADIUS + (19 if abs(x) < 0.1 else 16)  # clear of the dot when it stands at the rim
        anchor = "middle" if abs(x) < 0.1 else ("start" if x > 0 else "end")
        parts.append(f'<line x1="0" y1="0" x2="{RADIUS * x:.1f}" y2="{RADIUS * y:.1f}" class="spoke"/>')
        parts.append(
            f'<text x="{beyond * x:.1f}" y="{beyond * y + 4:.1f}" text-anchor="{anchor}">'
            f"{LABELS.get(name, name)}</text>"
        )
    if middle:
        parts.append(f'<text x="0" y="28" text-anchor="middle" class="middle">{middle}</text>')
    return (
        '<div class="pad-title" id="pad-title">Blend <span>drag the dot to mix expressions</span></div>'
        '<svg viewBox="-165 -118 330 236" class="pad" role="slider" tabindex="0" aria-label="Blend of expressions" '
        'aria-describedby="pad-help" aria-valuemin="0" aria-valuemax="100" aria-valuenow="100">'
        f'<circle r="{RADIUS}" class="disc"/>{"".join(parts)}<circle r="11" class="dot"/></svg>'
        '<div class="pad-value" aria-hidden="true"></div>'
        '<div id="pad-help" class="visually-hidden">Arrow keys left and right turn from one expression to the next, up and '
        "down give more or less of it.</div>"
    )
