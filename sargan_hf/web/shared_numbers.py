"""`sargan.json`: all numbers that Python and the browser share, each from the room that owns it."""

from .._version import __version__
from ..controls import CONTROL_GROUPS, CONTROL_LABELS, CONTROLS
from ..editing import apply, grain, masks, mouth_refiner, painted_layer
from ..expressions import ALIASES, MAX_INTENSITY
from ..faces import alignment, detection
from ..images.color_modes import LUMA
from ..images.load_image import MAX_PIXELS
from ..images.metadata import KEPT_CAMERA_TAGS, KEPT_TAGS
from ..images.provenance import DIGITAL_SOURCE_TYPE, SOFTWARE
from ..modeling_sargan import SARGAN
from ..presets import SPRITE_NAMES, Preset, shipped_presets
from .edit_graphs import CROP, REGIONS
from .graph_ops import settings_of


def shared_numbers(model: SARGAN, mouth: SARGAN | None, name: str) -> dict[str, object]:
    """What `web/src/lib/types.ts` calls a manifest, without the files."""
    settings = settings_of(model)
    side = settings.sample_size
    return {
        "version": __version__,
        "model": name,
        "expressions": list(settings.expressions),
        "aliases": {expression: list(ALIASES.get(expression, ())) for expression in settings.expressions},
        "regions": list(REGIONS),
        **_controls(list(settings.controls or ())),
        "sampleSize": side,
        "spread": masks.spread_pixels(side),
        "cropChannels": [CROP.start, CROP.stop],
        "maxIntensity": MAX_INTENSITY,
        "eyeDistance": alignment.EYE_DISTANCE,
        "eyesToMouth": alignment.EYES_TO_MOUTH,
        "eyesCentre": list(alignment.EYES_CENTRE),
        "mouth": None if mouth is None else _mouth(mouth),
        "detector": _detector(),
        "apply": {
            "bandPixels": apply.BAND_PIXELS,
            "leastWeight": apply.LEAST_WEIGHT,
            "restoredDetail": apply.RESTORED_DETAIL,
            "leastActivity": mouth_refiner.LEAST_ACTIVITY,
            "layerEdge": painted_layer.EDGE,
            "layerSharpest": painted_layer.SHARPEST,
        },
        "grain": _grain(),
        "provenance": {"digitalSourceType": DIGITAL_SOURCE_TYPE, "software": SOFTWARE},
        "keptExif": {"picture": [int(tag) for tag in KEPT_TAGS], "camera": [int(tag) for tag in KEPT_CAMERA_TAGS]},
        "maxPixels": MAX_PIXELS,
    }


def _controls(names: list[str]) -> dict[str, object]:
    """The controls of a model in its order, its presets, and what makes the sprites of a character.

    Without controls there are no presets, and sprites have what an expression alone can show.
    """
    known = {control.name: control for control in CONTROLS}
    rows = [
        {
            "name": name,
            "label": CONTROL_LABELS.get(name, name.replace("_", " ").capitalize()),
            "group": next((group for group, members in CONTROL_GROUPS.items() if name in members), "Others"),
            "least": known[name].least if name in known else -1.0,
            "plus": known[name].plus if name in known else name,
            "minus": known[name].minus if name in known else "",
        }
        for name in names
    ]
    presets = shipped_presets()
    fitting = {name: preset for name, preset in presets.items() if set(preset.controls) <= set(names)}
    return {
        "controls": rows,
        "presets": {name: preset.to_json() for name, preset in fitting.items()} if names else {},
        "sprites": {name: _sprite(presets[name], names) for name in SPRITE_NAMES},
    }


def _sprite(preset: Preset, controls: list[str]) -> dict[str, object]:
    shown = {name: value for name, value in preset.controls.items() if name in controls}
    return {**preset.to_json(), "controls": shown}


def _mouth(mouth: SARGAN) -> dict[str, object]:
    return {"size": settings_of(mouth).sample_size, "side": mouth_refiner.SIDE, "centre": list(mouth_refiner.CENTRE)}


def _grain() -> dict[str, object]:
    return {
        "cheeks": [list(centre) for centre in grain.CHEEKS],
        "square": grain.SQUARE,
        "least": grain.LEAST,
        "most": grain.MOST,
        "step": grain.STEP,
        "fine": grain.FINE,
        "outlier": grain.OUTLIER,
        "faint": grain.FAINT,
        "looks": grain.LOOKS,
        "dark": grain.DARK,
        "spots": [list(spot) for spot in grain.SPOTS],
        "luma": [round(float(share), 6) for share in LUMA],
    }


def _detector() -> dict[str, object]:
    looks = [
        {
            "name": look.name,
            "side": look.side,
            "border": look.border,
            "angle": look.angle,
            "mirrored": look.mirrored,
            "equalised": look.equalised,
            "threshold": look.threshold,
        }
        for look in detection.LOOKS
    ]
    return {
        "looks": looks,
        "everyFace": [detection.LOOKS.index(look) for look in detection.EVERY_FACE],
        "crowdLook": detection.LOOKS.index(detection.CROWD_LOOK),
        "crowdFace": detection.CROWD_FACE,
        "closeupSide": detection.CLOSEUP_SIDE,
        "convincing": detection.CONVINCING,
        "steady": detection.STEADY,
        "mirroredPoints": detection.MIRRORED_POINTS,
        "pointsInBox": detection.POINTS_IN_BOX.tolist(),
    }
