"""One person in front of one camera: everything that the pictures of a set share, and how one of them is drawn."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import cached_property

import cv2
import numpy as np

from ...controls import mirrored_controls
from ..face_model.mesh import DRAWN_VERTICES, INSIDE_MOUTH, SKIN, rig_mesh
from ..face_model.model import FaceModel, Part
from ..fitting.fitted_face import FittedFace
from .background_mesh import JoinedSheet, background_sheet, light_of_all
from .background_swap import with_backdrop
from .beard import add_beard, beard_chart
from .control_reading import read_photograph, read_weights
from .control_shapes import Movement, sided_charts
from .deform import (
    Deformation,
    aim_lids,
    deform,
    deform_by_controls,
    displace,
    lids_moved,
    sample_weights,
    with_rigid_lashes,
)
from .downsample import average_down
from .eye_blend import EYES, lid_shadow, soften_lids, stretched_eyes
from .eyeballs import share_turned
from .eyes import eye_texture, eyes_shut, lid_openings, looking
from .lid_skin import lid_texture, new_lid_skin
from .lip_corners import LipCorners, openness
from .material import read_material
from .mouth_blend import blend, light_round, smooth_opening, with_mouth
from .mouth_colours import mouth_colours
from .mouth_interior import lip_opening, lips_depth, paint_mouth
from .movement import control_movement
from .photo_overlay import UNSURE_LIPS, RealExpression
from .pose import pose_face
from .rasterizer import Raster, vertex_normals
from .recipes import Recipe
from .shading import darkened, light_refusal, lit, relighting, skin_shading
from .shot import Shot
from .skin_rim import chart_places, places_behind_nose
from .tooth_rows import ToothRows
from .torn_nose import even_out_cracks
from .variation import Variation
from .visibility import drawn_triangles, texture_places
from .wrinkles import chart_columns, wrinkle_charts, wrinkle_factor

_LID_SHAPES = ("eyeBlink", "eyeSquint", "eyeWide")


class Stage:
    """One person in front of one camera: everything the pictures of a set share.

    Args:
        face: a fitted portrait.
        model: the face model it was fitted with.
        variation: camera, light, gaze, folds and teeth.
        size: side of the pictures in pixels.
        supersample: factor by which pictures are rendered larger and averaged down.
    """

    def __init__(self, face: FittedFace, model: FaceModel, variation: Variation, size: int, supersample: int = 2):
        self.size, self.supersample, self.variation = size, supersample, variation
        self.mesh = mesh = rig_mesh(model)
        self.lid_shapes = [row for row, name in enumerate(mesh.model.expression_names) if name.startswith(_LID_SHAPES)]
        posed = pose_face(face, mesh, variation, size, supersample)
        self.backdrop_refused = ""
        if variation.backdrop is not None:
            texture, self.backdrop_refused = with_backdrop(posed, variation.backdrop)
            posed = replace(posed, texture=texture)
        self.posed = posed
        self.material = read_material(posed, supersample, variation.teeth.seed)
        self.mouth = mouth_colours(posed, mesh, variation.teeth, self.material, variation.carved)
        self._tooth_rows = ToothRows(posed, mesh, variation.teeth, self.mouth.lower)
        self.eyes_shut = eyes_shut(posed)
        self.blank_eyes = self.eyes_shut or self.mouth.carved
        self.gaze = (0.0, 0.0) if self.blank_eyes else variation.gaze
        self.eye_texture = eye_texture(posed, self.blank_eyes)
        self._corners = LipCorners(posed)
        self.charts = wrinkle_charts(variation.wrinkles)
        self.beard_chart = beard_chart(variation.beard) if variation.beard is not None else None
        triangles, part, eyes_start, mouth_start = drawn_triangles(posed, mesh)
        self.sheet = background_sheet(posed, mesh, np.unique(triangles[:eyes_start]))
        sheet_triangles = self.sheet.triangles + DRAWN_VERTICES
        self.triangles = np.concatenate([triangles[:eyes_start], sheet_triangles, triangles[eyes_start:]])
        self.part = np.concatenate([part[:eyes_start], np.full(len(sheet_triangles), -1), part[eyes_start:]])
        self.eyes_start, self.mouth_start = eyes_start + len(sheet_triangles), mouth_start + len(sheet_triangles)
        places = [looking(texture_places(posed, mesh, parted), posed, self.gaze) for parted in (False, True)]
        self.places, parted = (np.concatenate([each, self.sheet.photo[:, :2]]) for each in places)
        self.light = np.ones(len(self.places), np.float32)
        self.light_refused = light_refusal(posed, self.material.middle) if variation.light is not None else ""
        if variation.light is not None and not self.light_refused:
            self.light = light_of_all(posed, relighting(posed, variation.light, mesh), self.sheet)
        self.chart_places = chart_places(triangles[:eyes_start], mesh, len(self.places))
        self._joined = JoinedSheet(posed, self.sheet, self.chart_places[SKIN, 2])
        self.places_moved = places_behind_nose(posed, mesh, triangles[:eyes_start], self.places)
        self.lips_parted = parted - self.places
        self.places = self.places_moved if variation.yaw or variation.pitch else self.places
        self.neutral = self.shot(np.zeros(len(mesh.shapes), np.float32))

    def weights(self, recipe: Recipe, intensity: float = 1.0, rng: np.random.Generator | None = None) -> np.ndarray:
        """float32 [E], shape weights of a recipe on this face, lids aimed; varied if `rng` is given."""
        weights = sample_weights(recipe, self.mesh, intensity, rng, self.mouth.carved)
        if self.eyes_shut:
            # Opened, they would show an eye that nobody painted or carved.
            weights[self.lid_shapes] = 0.0
            return weights
        return aim_lids(weights, recipe.aperture, self.posed, self.mesh, intensity)

    def movement(
        self,
        controls: np.ndarray,
        recipe: Recipe | None = None,
        intensity: float = 1.0,
        rng: np.random.Generator | None = None,
    ) -> Movement:
        """What moves this face under controls [K], alone or on top of a recipe, which is varied if `rng` is given.

        The controls are those of the person as the picture shows them: a mirrored picture's left is its own.
        """
        nothing = np.zeros(len(self.mesh.shapes), np.float32)
        weights = nothing if recipe is None else sample_weights(recipe, self.mesh, intensity, rng, self.mouth.carved)
        movement = control_movement(weights, recipe, intensity, self._as_shown(controls), self.posed, self.mesh)
        if self.eyes_shut:
            movement.weights[self.lid_shapes] = 0.0
        # A blank eye that turns is the same eye, but for what little its texture shows.
        return replace(movement, gaze=(0.0, 0.0)) if self.blank_eyes else movement

    def controls_of(self, weights: np.ndarray) -> np.ndarray:
        """float32 [K], the controls that move this face most nearly as shape weights [E] do, as the picture shows it."""
        return self._as_shown(read_weights(weights, self.posed, self.mesh))

    def controls_of_real(self, real: RealExpression) -> np.ndarray:
        """float32 [K], what a real photograph shows relative to the neutral picture; NaN where the fit does not tell."""
        return self._as_shown(read_photograph(real.delta, real.weight, self.posed, self.mesh))

    def _as_shown(self, controls: np.ndarray) -> np.ndarray:
        return mirrored_controls(controls) if self.variation.mirror else controls

    def shot(self, weights: np.ndarray) -> Shot:
        """The face moved by these shape weights [E], rasterised: what `render` and `MotionTracer.trace` share."""
        return self._shot(deform(self.posed, weights, self.mesh))

    def shot_of(self, movement: Movement) -> Shot:
        """The face moved by controls, as `shot`."""
        return self._shot(deform_by_controls(self.posed, movement, self.mesh), movement)

    def _shot(self, deformation: Deformation, movement: Movement | None = None) -> Shot:
        vertices, raster = self._rasterize(deformation)
        part = np.where(raster.triangle >= 0, self.part[raster.triangle], -1)
        opening = smooth_opening(np.isin(part, INSIDE_MOUTH), self._blur)
        if opening is not None:
            shown = part[opening.window]  # where the smooth edge covers skin, the mouth is seen
            shown[(opening.cover > 0.5) & (shown == Part.FACE)] = Part.MOUTH_SOCKET
        places = self.places_moved + openness(opening, self.posed.side) * self.lips_parted
        places = self.places if np.array_equal(deformation.photo, self.posed.photo) else places
        places = with_rigid_lashes(places, self.posed, deformation.photo, self.mesh)
        return Shot(deformation, vertices, places, raster, part, opening, movement)

    @property
    def _blur(self) -> float:
        """The picture's own blur in oversampled pixels."""
        return self.material.blur * self.supersample

    def render(self, shot: Shot, wrinkles: Mapping[str, float] | None = None, shaded: bool = True) -> np.ndarray:
        """uint8 [size, size, 3] RGB, the face of `shot` with these folds.

        Args:
            wrinkles: strength by kind; a shot under controls brings its own.
            shaded: False leaves out every change of colour: shading, folds, shadows of the lids, exposure.
        """
        deformation, raster, part = shot.deformation, shot.raster, shot.part
        shade = self.light.copy()
        if shaded:
            shade[SKIN] *= skin_shading(self.posed, deformation.model, self.mesh, self.chart_places[SKIN, 2])
        pixels = raster.interpolate(np.column_stack([shot.places, shade, self.chart_places]), self.triangles)
        picture = self._sample(self.posed.texture, pixels)
        self._add_lids(picture, pixels, shot)
        painted = np.zeros(part.shape, np.float32)
        if shaded:
            self._corners.heal(picture, pixels, shot.opening, painted)
            even_out_cracks(picture, pixels, painted, shot, self.posed, self.mesh)
            flesh, shade = 0.0 if self.mouth.one_colour else self.material.colourful, pixels[..., 2]
            picture = darkened(picture, shade, flesh) if self.variation.light is None else lit(picture, shade)
        charts, strengths = (self.charts, wrinkles) if shot.movement is None else (self.sided, shot.movement.folds)
        folds = wrinkle_factor(charts, strengths or {}, pixels[..., 3:5]) if shaded else None
        if folds is not None:
            # A fold is no sharper than what it is folded into.
            folds = cv2.GaussianBlur(folds, (0, 0), self._blur) if self._blur > 0 else folds
            folds = 1 + np.clip(pixels[..., 5], 0, 1) * (folds - 1)
            picture = darkened(picture, folds, 0.0 if self.mouth.one_colour else self.material.colourful)
        beard, mouth = self.variation.beard, self.mouth
        if beard is not None and self.beard_chart is not None:
            add_beard(picture, self.beard_chart, beard, pixels[..., 3:5], mouth.cheek, mouth.one_colour)
        self._add_eyes(picture, part, pixels, shot, shaded, painted)
        self._add_mouth(picture, shot, painted)
        return self._finished(picture, shaded, painted)

    @cached_property
    def sided(self) -> dict[str, np.ndarray]:
        """The charts of folds cut in two, for folds of one side of the face."""
        return sided_charts(self.charts, chart_columns())

    def shot_of_real(self, real: RealExpression) -> Shot:
        """The face moved as a real photograph of an expression shows it."""
        return self._shot(displace(self.posed, real.delta, self.mesh, photographed=True))

    def render_real(self, shot: Shot, real: RealExpression) -> np.ndarray:
        """uint8 [size, size, 3] RGB, the photograph of the expression on the face of `shot_of_real`."""
        beyond = np.zeros((len(self.places) - DRAWN_VERTICES, 3), np.float32)
        tied = np.concatenate([np.column_stack([real.places, real.weight]), beyond])
        pixels = shot.raster.interpolate(np.column_stack([shot.places, self.light, tied]), self.triangles)
        shown = self._sample(self.posed.texture, pixels)
        picture = real.covering(shown, pixels[..., 3:5], pixels[..., 5], shot.mouth)
        return self._finished(picture * np.where(shot.mouth, 1.0, pixels[..., 2])[..., None], shaded=True)

    def sure_of_real(self, shot: Shot) -> np.ndarray:
        """bool [size, size], False round the mouth of `shot_of_real`: where its lips end is known to some pixels only."""
        mouth = shot.mouth.astype(np.uint8)
        reach = round(UNSURE_LIPS * self.posed.side)
        near = cv2.dilate(mouth, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * reach + 1, 2 * reach + 1)))
        sure = cv2.resize(near, (self.size, self.size), interpolation=cv2.INTER_AREA) == 0
        return sure[:, ::-1] if self.variation.mirror else sure

    def _rasterize(self, deformation: Deformation) -> tuple[np.ndarray, Raster]:
        """The vertices of mesh and backdrop in the picture's frame, and which of their triangles each pixel shows."""
        vertices = self._joined.vertices(deformation)
        self._tooth_rows.place(vertices)
        raster = Raster.empty(self.posed.side, self.posed.side)
        raster.draw(vertices, self.triangles, 0, self.eyes_start)
        # Eyeballs would poke through folded lids elsewhere, and gums through lips.
        opening = lid_openings(vertices, self.mesh, self.posed.side)
        raster.draw(vertices, self.triangles, self.eyes_start, self.mouth_start, opening)
        opening, _ = lip_opening(vertices, self.mesh, self.posed.side)
        raster.draw(vertices, self.triangles, self.mouth_start, len(self.triangles), opening)
        return vertices, raster

    def _sample(self, texture: np.ndarray, pixels: np.ndarray) -> np.ndarray:
        sampled = cv2.remap(texture, pixels[..., 0], pixels[..., 1], cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        return sampled.astype(np.float32)

    @cached_property
    def _lid_texture(self) -> np.ndarray:
        return lid_texture(self.posed)

    def _add_lids(self, picture: np.ndarray, places: np.ndarray, shot: Shot) -> None:
        """Covers the skin of lids that the photograph does not show with plain skin; in place."""
        for window, share, whence in self.new_lids(shot, places):
            skin = self._sample(self._lid_texture, whence)
            picture[window] += share[..., None] * (skin - picture[window])

    @cached_property
    def _neutral_places(self) -> np.ndarray:
        """float32 [H, W, 2], where the neutral picture takes its colours."""
        return self.neutral.raster.interpolate(self.neutral.places, self.triangles)

    def new_lids(self, shot: Shot, places: np.ndarray) -> Iterator[tuple[tuple[slice, slice], np.ndarray, np.ndarray]]:
        """Where a shot under controls shows skin of upper lids that the photograph does not.

        Args:
            places: float32 [H, W, 2 or more], where the pixels of the picture take their colour.

        Yields:
            A window, float32 [R, C] with 1 where all is new, and float32 [R, C, 2], where in a texture without eyes it lies.
        """
        if shot.movement is not None:
            skin, lids = shot.part == Part.FACE, shot.movement.lids
            before, now = self.neutral.vertices, shot.vertices
            yield from new_lid_skin(before, now, self.mesh, lids, skin, places, self._neutral_places)

    def eyes_moved(self, shot: Shot) -> dict[str, float]:
        """By side, 0 where an eye is as the photograph shows it to 1 where lids or eyeball have moved."""
        if self.gaze != (0.0, 0.0):
            return {"R": 1.0, "L": 1.0}
        if shot.movement is None:
            return dict.fromkeys("RL", lids_moved(self.posed, shot.deformation, self.mesh))
        turned = share_turned(shot.movement.gaze)
        return {side: max(turned, lids_moved(self.posed, shot.deformation, self.mesh, side)) for side in "RL"}

    @cached_property
    def _eyes_made_up(self) -> np.ndarray:
        """uint8 [T, T], 255 where the eyes' texture shows nothing of the photograph."""
        return (cv2.absdiff(self.eye_texture, self.posed.texture).max(axis=2) > 2).astype(np.uint8) * 255

    def _add_eyes(
        self, picture: np.ndarray, part: np.ndarray, pixels: np.ndarray, shot: Shot, shaded: bool, painted: np.ndarray
    ) -> None:
        """Paints moved eyes, and tells in `painted` [S, S] where they show nothing of the photograph; both in place."""
        eyes, moved = np.isin(part, EYES), self.eyes_moved(shot)
        rows = np.flatnonzero(eyes.any(axis=1))
        if len(rows) and max(moved.values()) > 0:
            rows = slice(max(rows[0] - 8, 0), rows[-1] + 1)
            colour = self._eye_colours(pixels, rows, shot)
            if shaded and not self.blank_eyes:
                colour *= lid_shadow(part[rows])[..., None]
            # Eyes that have not moved show the photograph, with the shadow and the lashes at its lids.
            of_left = np.isin(part[rows], (Part.LEFT_EYEBALL, Part.LEFT_EYE_SOCKET))
            share = np.where(of_left, moved["L"], moved["R"]).astype(np.float32)[..., None]
            colour = picture[rows] + share * (colour - picture[rows])
            picture[rows][eyes[rows]] = colour[eyes[rows]]
            if not self.blank_eyes:
                made_up = self._sample(self._eyes_made_up, pixels[rows]) / 255
                painted[rows] += share[..., 0] * made_up * eyes[rows]
        soften_lids(picture, shot.vertices, self.mesh, self._blur, moved)

    def _eye_colours(self, pixels: np.ndarray, rows: slice, shot: Shot) -> np.ndarray:
        """float32 [R, S, 3], colours of the eyes in these rows, before any shadow."""
        if not self.blank_eyes:
            return self._sample(self.eye_texture, pixels[rows])
        before = stretched_eyes(self.neutral.vertices, shot.vertices, self.mesh, rows, self.posed.side)
        x, y = before[..., 0], before[..., 1]
        places = cv2.remap(self._neutral_places, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        return self._sample(self.posed.texture, places)

    def _add_mouth(self, picture: np.ndarray, shot: Shot, painted: np.ndarray) -> None:
        """Paints the inside of the mouth, and tells in `painted` [S, S] where; both in place."""
        opening, mouth = shot.opening, self.mouth
        if opening is None:
            return
        view = shot.raster.window(*opening.window)
        part = np.where(view.triangle >= 0, self.part[view.triangle], -1)
        inside = np.isin(part, INSIDE_MOUTH)
        normals = vertex_normals(shot.deformation.model, self.triangles[self.mouth_start :]) @ self.posed.view_axes.T
        x = self.mesh.model.mean[:DRAWN_VERTICES, 0]
        surface = np.column_stack([normals, x, mouth.tooth_shade, mouth.across, mouth.lower])
        # The backdrop's vertices have no `surface`: looked up, they would read beyond its end.
        view = replace(view, triangle=np.where(inside, view.triangle, np.int32(-1)))
        light = light_round(picture, shot.part == Part.FACE, opening, mouth.cheek)
        surface = view.interpolate(surface, self.triangles)
        colours = paint_mouth(part, view.depth, surface, lips_depth(shot.vertices), self.posed, mouth, light, opening)
        blend(picture, inside, colours, opening, self._blur, mouth.carved)
        painted[opening.window] = with_mouth(painted[opening.window], inside, opening, mouth.carved)

    def _finished(self, picture: np.ndarray, shaded: bool, painted: np.ndarray | None = None) -> np.ndarray:
        """The picture at its own size and under the set's exposure, with grain where it was `painted` [S, S]."""
        picture = average_down(picture, self.supersample)
        if painted is not None:
            self.material.add_grain(picture, average_down(painted, self.supersample))
        if shaded:
            v = self.variation
            if v.gamma != 1.0:
                picture = 255 * np.power(np.clip(picture / 255, 0, 1), v.gamma)
            picture = picture * np.array(v.gain, np.float32)
        picture = np.clip(np.round(picture), 0, 255).astype(np.uint8)
        return np.ascontiguousarray(picture[:, ::-1]) if self.variation.mirror else picture
