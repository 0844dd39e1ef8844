"""The graphs do what `sargan_hf.editing` does, run by ONNX Runtime alone."""

import gzip
import json

import numpy as np
import pytest

pytest.importorskip("onnxscript", reason="pip install -e '.[onnx]'")

from random_models import layered_model

from sargan_hf.editing import mouth_refiner
from sargan_hf.editing.color_match import match_crop_colors
from sargan_hf.images.normalize import normalize
from sargan_hf.images.warp import warp_field
from sargan_hf.web.edit_graphs import REGIONS
from sargan_hf.web.graph_export import edit_graphs

CASES = [
    ("examples/photos/grace-hopper.jpg", "happy", "face"),
    ("examples/portraits/oil-eileen-collins.jpg", "angry", "mouth"),
    ("examples/portraits/pencil-grace-hopper.jpg", "surprised", "face"),  # one ink
    ("examples/statues/bronze.jpg", "disgusted", "eyes"),
]


@pytest.fixture(scope="module")
def sessions(web_folder):
    """The graphs as the folder holds them."""
    import onnxruntime

    listed = json.loads((web_folder / "sargan.json").read_text())["graphs"]
    graphs = {
        name: joined(gzip.decompress((web_folder / file["path"]).read_bytes()), file["halves"])
        for name, file in listed.items()
    }
    return {name: onnxruntime.InferenceSession(graph) for name, graph in graphs.items()}


def joined(content: bytes, halves: list) -> bytes:
    """A graph put together as `web/src/lib/packing.ts` does it."""
    others = len(content) - sum(length for _, length in halves)
    weights = np.frombuffer(content[others:], np.uint8).reshape(2, -1)[::-1].T.tobytes()
    graph, taken = content[:others], 0
    for first, length in halves:
        graph = graph[:first] + weights[taken : taken + length] + graph[first:]
        taken += length
    return graph


def planes(pixels: np.ndarray) -> np.ndarray:
    return np.ascontiguousarray(pixels.transpose(2, 0, 1)[None], dtype=np.float32)


def pixels(planes: np.ndarray) -> np.ndarray:
    return planes[0].transpose(1, 2, 0)


def fields_of(change) -> np.ndarray:
    """A `FaceWarp` as the graphs have it: [P, P, 10], or 14 with a layer."""
    fields = [change.motion, change.residual, change.crop, change.weight, change.overpainted]
    return np.dstack([*fields, *(change.layer or ())])


def scaled_fields(change) -> np.ndarray:
    """The fields that move pixels, as the graph `scale` gives them."""
    moved = warp_field(change.crop, change.motion)
    fields = [change.motion, change.residual, moved, change.use_crop_mask(), change.weight]
    return np.dstack([*fields, *(change.layer or ())])


def planned(pipe, path: str, expression: str | None, region: str, controls: dict | None = None):
    session = pipe.open(path)
    faces = session.find_faces()
    requests = session.requests(expression, controls=controls, region=None if region == "face" else region)
    [warp] = session.warps(faces, requests)
    return session.align(faces[0]).crop, requests[0], warp


def made_by(sessions, crop: np.ndarray, request, region: str) -> np.ndarray:
    """The change [P, P, C] that the graph `edit` makes, from what the graph `start` hands to it where there is one."""
    feed = {"crop": planes(crop), "expression": request.expression[None]}
    if "start" in sessions:
        feed = {"kept": sessions["start"].run(["kept"], feed)[0]}
    feed["region"] = np.array([[float(name == region) for name in REGIONS]], np.float32)
    session = sessions["edit"]
    inputs = {entry.name: entry.shape for entry in session.get_inputs()}
    if "controls" in inputs:
        feed |= {"controls": np.zeros(inputs["controls"], np.float32), "plain_reach": np.zeros(1, np.float32)}
        if request.controls.any():
            if request.expression.any():  # the gain is that of the expression alone
                feed["plain_reach"] = session.run(["reach"], feed)[0]
            feed["controls"] = request.controls[None]
    return pixels(session.run(["change"], feed)[0])


def assert_is(made: np.ndarray, change, levels: float = 0.1) -> None:
    """That a change which a graph made is the pipeline's; its paint within `levels` of 255 on average."""
    assert made.shape == fields_of(change).shape
    motion, residual, shown, weight, overpainted, *layer = np.split(made, [2, 5, 8, 9, 10, 11], axis=2)
    assert np.abs(motion - change.motion).mean() < 0.005  # pixels of the crop
    assert np.abs(residual - change.residual).mean() * 255 < levels
    assert np.abs(shown - change.crop).max() < 1e-6
    assert np.abs(weight[..., 0] - change.weight).mean() < 0.002
    assert np.abs(overpainted[..., 0] - change.overpainted).mean() < 0.002
    if change.layer is not None:
        occlusion, painted = layer
        assert np.abs(occlusion[..., 0] - change.layer.occlusion).mean() < 0.002
        assert np.abs(painted - change.layer.painted).mean() * 255 < 1  # also where the layer hides nothing


@pytest.mark.parametrize(("path", "expression", "region"), CASES)
def test_a_change_is_the_pipelines(pipe, sessions, path, expression, region):
    crop, request, change = planned(pipe, path, expression, region)
    assert_is(made_by(sessions, crop, request, region), change)


@pytest.mark.parametrize("intensity", [0.0, 0.4, 1.0, 1.5])
def test_a_scaled_change_is_the_pipelines(pipe, sessions, intensity):
    _, _, change = planned(pipe, *CASES[0])
    strength = np.array([intensity], np.float32)
    got, activity = sessions["scale"].run(None, {"change": planes(fields_of(change)), "intensity": strength})
    scaled = change.at_intensity(intensity)
    expected = scaled_fields(scaled)
    assert np.abs(pixels(got) - expected).max() < 0.15
    assert np.abs(pixels(got) - expected).mean() < 1e-3
    assert np.abs(activity[0, 0] - mouth_refiner.mouth_activity(scaled, 128, 128)).max() < 0.01


@pytest.mark.parametrize(("path", "expression", "region"), [CASES[0], CASES[2]])
def test_a_mouth_is_the_pipelines(pipe, sessions, path, expression, region):
    crop, request, change = planned(pipe, path, expression, region)
    condition = request.expression[None]
    patch = np.ascontiguousarray(crop[64:128, 32:96].repeat(2, 0).repeat(2, 1))
    activity = mouth_refiner.mouth_activity(change, 128, 128)
    [kept] = sessions["mouth_start"].run(None, {"crop": planes(change.crop)})
    feed = {"patch": planes(patch), "expression": condition, "kept": kept}
    [got] = sessions["mouth"].run(None, feed | {"activity": activity[None, None]})
    start = normalize(patch)
    painted = pipe.mouth(planes(start), condition).residual[0].transpose(1, 2, 0)
    shown = np.rint(255 * change.crop).astype(np.uint8)
    residual = match_crop_colors(shown, start, mouth_refiner._calm_colours(painted))
    expected = residual * activity[..., None] / 2
    assert np.abs(pixels(got) - expected).mean() * 255 < 0.1


@pytest.fixture(scope="module")
def layered_sessions():
    """The graphs of a model with an occlusion layer and controls."""
    import onnxruntime

    graphs = edit_graphs(layered_model(), None)
    return {name: onnxruntime.InferenceSession(graph.SerializeToString()) for name, graph in graphs.items()}


LAYERED = [
    ("examples/photos/eileen-collins.jpg", "happy", "face", None),
    ("examples/portraits/pencil-grace-hopper.jpg", "surprised", "face", {"jaw_open": 0.6}),  # one ink
    ("examples/statues/bronze.jpg", None, "mouth", {"jaw_open": 0.6, "smile": -0.5}),
    ("examples/photos/grace-hopper.jpg", "angry", "eyes", {"squint": 1}),
]


@pytest.mark.parametrize(("path", "expression", "region", "controls"), LAYERED)
def test_a_change_with_a_layer_is_the_pipelines(layered_pipe, layered_sessions, path, expression, region, controls):
    crop, request, change = planned(layered_pipe, path, expression, region, controls)
    assert (change.layer.occlusion > 0.5).sum() > 20  # this random model does hide something
    # Random weights do not forgive each other their rounding as trained ones do.
    assert_is(made_by(layered_sessions, crop, request, region), change, levels=0.2)


@pytest.mark.parametrize("intensity", [0.0, 0.2, 0.4, 1.0, 1.5])
def test_a_scaled_layer_is_the_pipelines(layered_pipe, layered_sessions, intensity):
    _, _, change = planned(layered_pipe, *LAYERED[0])
    feed = {"change": planes(fields_of(change)), "intensity": np.array([intensity], np.float32)}
    [got] = layered_sessions["scale"].run(None, feed)
    apart = np.abs(pixels(got) - scaled_fields(change.at_intensity(intensity)))
    assert apart.max() < 0.15
    assert apart.mean() < 1e-3


def test_a_model_without_motion_and_mouth_is_exported(tiny_model_folder, tmp_path):
    import onnxruntime

    from sargan_hf import SARGAN

    graphs = edit_graphs(SARGAN(base_channels=8, attention=False, ultimate_skip=False, sample_size=64), None)
    assert set(graphs) == {"edit", "scale", "faces"}
    session = onnxruntime.InferenceSession(graphs["edit"].SerializeToString())
    crop = np.full((1, 3, 64, 64), 128, np.float32)
    [made] = session.run(
        None, {"crop": crop, "expression": np.eye(7, dtype=np.float32)[:1], "region": np.eye(3, dtype=np.float32)[:1]}
    )
    assert made.shape == (1, 10, 80, 80)
    assert not made[:, :2].any()  # it moves nothing
    assert np.isfinite(made).all()
