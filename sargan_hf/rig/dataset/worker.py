"""Makes the pictures of one person: read, fit, render, encode. Runs inside a worker process."""

import io
from collections.abc import Iterator
from dataclasses import replace

import cv2
import numpy as np
from PIL import Image

from ...controls import ADDED_COLUMN, CONTROLS, CONTROLS_COLUMN
from ...data.pair_flow import PairMotion
from ...data.photograph_rows import PHOTOGRAPH
from ...errors import RigError
from ...expressions import EXPRESSIONS, NO_CLASS
from ..face_model.model import FaceModel, load_face_model
from ..fitting.fitted_face import FittedFace
from ..landmarks.landmark_types import five_points
from ..portraits.morphs import morph
from ..portraits.reader import Portrait, PortraitReader, fit_portrait, read_picture
from ..portraits.white_balance import without_cast
from ..rendering.downsample import crop_matrix, cut_out
from ..rendering.photo_overlay import RealExpression, register_photograph
from ..rendering.recipes import commonest
from ..rendering.render import RenderedExpression, render_set
from ..rendering.variation import draw_variation
from .work_units import RigSettings, Unit

JPEG_QUALITY = 95
UNKNOWN_CONTROLS = np.full(len(CONTROLS), np.nan, np.float32)


class SetMaker:
    """Turns units of a plan into rows of the data set. Holds the face model and the networks: one per process."""

    def __init__(self, settings: RigSettings) -> None:
        cv2.setNumThreads(1)  # the processes share the cores already
        self.settings = settings
        self.model: FaceModel = load_face_model(settings.model)
        self.reader = PortraitReader()

    def rows(self, unit: Unit) -> list[dict]:
        """All rows of one unit, in the schema of `dataset.schema`.

        Raises:
            RigError: the portrait cannot be used; the message says why.
        """
        if unit.kind == "real":
            return list(self._real_rows(unit))
        if unit.kind == "paired_photograph":
            return list(self._rows_of_paired_photograph(unit))
        portrait, *second = [without_cast(self.reader.read(path)) for path in unit.paths]
        portrait = morph(portrait, second[0], unit.share) if unit.kind == "morph" else portrait
        return list(self._rendered_rows(unit, fit_portrait(self.model, portrait)))

    def _rows_of_paired_photograph(self, unit: Unit) -> Iterator[dict]:
        """Sets of a person who was photographed neutral and with an expression; without the pairing where it fails."""
        neutral = without_cast(self.reader.read(unit.paths[0]))
        face = fit_portrait(self.model, neutral)
        recipe = commonest(unit.expression, self.settings.options.recipes)
        try:
            refound, expressing = self.reader.find_pair(neutral, read_picture(unit.paths[1]))
            real = register_photograph(self.model, face, refound, without_cast(expressing), recipe)
        except RigError:
            yield from self._real_rows(replace(unit, kind="real", paths=unit.paths[1:]))
        else:
            yield from self._rendered_rows(unit, face, real)

    def _rendered_rows(self, unit: Unit, face: FittedFace, real: RealExpression | None = None) -> Iterator[dict]:
        settings = self.settings
        left_out = settings.left_out.get(unit.subject, frozenset())
        for variant in range(unit.variants(settings)):
            pair = f"{unit.subject}-{unit.index}-{variant}"
            seed = unit.seed(settings.seed, variant)
            pictures = render_set(face, self.model, seed=seed, size=settings.size, options=settings.options, real=real)
            for number, picture in enumerate(pictures):
                if picture.expression in left_out:
                    continue
                name = f"{pair}-{number}-{picture.expression or picture.recipe}"
                source = "real" if picture.recipe == PHOTOGRAPH else unit.source
                yield self._row(unit, name, picture.image, picture.expression, pair, source) | {
                    "recipe": picture.recipe,
                    "intensity": picture.intensity,
                    CONTROLS_COLUMN: picture.controls,
                    ADDED_COLUMN: picture.controls_added,
                    **_motion_columns(picture),
                }

    def _real_rows(self, unit: Unit) -> Iterator[dict]:
        """A real picture of an expression in the same crop, once per variant with its own jitter."""
        portrait = without_cast(self._portrait_of_real(unit))
        settings = self.settings
        for variant in range(settings.variants):
            rng = np.random.default_rng(unit.seed(settings.seed, variant))
            look = draw_variation(settings.options, rng)
            matrix = crop_matrix(five_points(portrait.landmarks), settings.size, look)
            picture = cut_out(portrait.picture, matrix, settings.size).astype(np.float32)
            picture = 255 * (picture / 255) ** look.gamma * np.array(look.gain, np.float32)
            picture = np.clip(np.rint(picture), 0, 255).astype(np.uint8)
            picture = picture[:, ::-1] if look.mirror else picture
            name = f"{unit.subject}-{unit.index}-{variant}-{unit.expression}"
            yield self._row(unit, name, picture, unit.expression, "", "real") | {
                "recipe": PHOTOGRAPH,
                "intensity": 1.0,
                CONTROLS_COLUMN: UNKNOWN_CONTROLS,
                ADDED_COLUMN: UNKNOWN_CONTROLS,
            }

    def _portrait_of_real(self, unit: Unit) -> Portrait:
        return self.reader.find(read_picture(unit.paths[0]), unit.subject, neutral=False)

    def _row(self, unit: Unit, name: str, image: np.ndarray, expression: str, pair: str, source: str) -> dict:
        return {
            "image": {"bytes": _jpeg(image), "path": f"{name}.jpg"},
            "expression": EXPRESSIONS.index(expression) if expression else NO_CLASS,
            "subject": unit.subject,
            "pair": pair,
            "source": source,
        }


def _jpeg(image: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(image).save(buffer, "JPEG", quality=JPEG_QUALITY, subsampling=0)
    return buffer.getvalue()


def _motion_columns(picture: RenderedExpression) -> dict[str, bytes]:
    """The encoded motion to the pair's neutral picture; empty where it was not asked for. Real pictures leave it null."""
    backward, forward, valid = picture.motion_backward, picture.motion_forward, picture.motion_valid
    if backward is None or forward is None or valid is None:
        return {}
    return PairMotion(backward, forward, valid).columns()
