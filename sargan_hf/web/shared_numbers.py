"""`sargan.json`: all numbers that Python and the browser share, each from the room that owns it."""

from .._version import __version__
from ..editing import apply, masks, mouth_refiner
from ..expressions import ALIASES, MAX_INTENSITY
from ..faces import alignment, detection
from ..images.load_image import MAX_PIXELS
from ..images.provenance import DIGITAL_SOURCE_TYPE, SOFTWARE
from ..modeling_sargan import SARGAN
from .edit_graphs import REGIONS
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
        "sampleSize": side,
        "spread": masks.spread_pixels(side),
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
        },
        "provenance": {"digitalSourceType": DIGITAL_SOURCE_TYPE, "software": SOFTWARE},
        "maxPixels": MAX_PIXELS,
    }


def _mouth(mouth: SARGAN) -> dict[str, object]:
    return {"size": settings_of(mouth).sample_size, "side": mouth_refiner.SIDE, "centre": list(mouth_refiner.CENTRE)}


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
        "mirroredPoints": detection.MIRRORED_POINTS,
        "pointsInBox": detection.POINTS_IN_BOX.tolist(),
    }
