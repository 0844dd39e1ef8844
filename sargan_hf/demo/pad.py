"""The blend pad: a wheel of expressions around the neutral face, and a dot to drag."""

import math
from pathlib import Path

import gradio as gr

from .texts import LABELS

ASSETS = Path(__file__).parent / "assets"
# Neighbours on the wheel are expressions that mix well; the order is that of the circumplex model of affect.
WHEEL = ("happy", "surprised", "afraid", "angry", "disgusted", "sad")
CENTRE = "neutral"
RADIUS = 84  # of the wheel, in units of a drawing 330 wide and 236 high


def blend_pad(expressions: tuple[str, ...], value: dict[str, float], **options) -> gr.HTML:
    """A component whose value is a blend, {"happy": 0.7, "neutral": 0.3}.

    The direction of the dot says which one or two expressions, its distance from the middle how much of them. A model
    without a neutral expression, or with others around it, gets its own wheel, with an even mix in the middle.

    Its event is `input`: the visitor let go of the dot, or moved it with an arrow key.
    """
    around = [name for name in WHEEL if name in expressions]
    around += [name for name in expressions if name not in around and name != CENTRE]
    return gr.HTML(
        value,
        html_template=drawing(around),
        js_on_load=(ASSETS / "pad.js").read_text(),
        around=around,
        centre=CENTRE if CENTRE in expressions else "",
        radius=RADIUS,
        labels={name: LABELS.get(name, name) for name in expressions},
        apply_default_css=False,
        **options,
    )


def drawing(around: list[str]) -> str:
    """The wheel as SVG: a disc, a spoke and a label for each expression, and the dot."""
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
    return (
        '<div class="pad-title" id="pad-title">Blend <span>drag the dot to mix expressions</span></div>'
        '<svg viewBox="-165 -118 330 236" class="pad" role="slider" tabindex="0" aria-label="Blend of expressions" '
        'aria-describedby="pad-help" aria-valuemin="0" aria-valuemax="100" aria-valuenow="100">'
        f'<circle r="{RADIUS}" class="disc"/>{"".join(parts)}<circle r="11" class="dot"/></svg>'
        '<div class="pad-value" aria-hidden="true"></div>'
        '<div id="pad-help" class="pad-help">Arrow keys left and right turn from one expression to the next, up and '
        "down give more or less of it.</div>"
    )
