"""ONNX files: the same edit as torch at any size, in every variant, and a pipeline that never imports torch."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from hub_server import Hub
from onnx import numpy_helper

from sargan_hf import SARGAN
from sargan_hf.cli import main
from sargan_hf.errors import ConfigurationError, ModelFormatError
from sargan_hf.inference.onnx_backend import ONNXGenerator
from sargan_hf.inference.onnx_export import TOLERANCE, export_onnx

CONFIGS = {
    "motion": {"motion": True},
    "motion, evened": {"motion": True, "typical_motion": [0.02] * 7},
    "occlusion": {"motion": True, "occlusion": True},
    "published": {},
    "no attention": {"attention": False},
    "no skip": {"ultimate_skip": False, "expressions": ["neutral", "happy"]},
}


def random_model(**config) -> SARGAN:
    torch.manual_seed(0)
    return SARGAN(**({"base_channels": 8, "attention_channels": 8, "sample_size": 64} | config)).eval()


@pytest.fixture(scope="module")
def exports(tmp_path_factory) -> dict[str, tuple[SARGAN, Path, list]]:
    made = {}
    for name, config in CONFIGS.items():
        folder = tmp_path_factory.mktemp(name.replace(" ", "-").replace(",", ""))
        model = random_model(**config)
        made[name] = (model, folder, export_onnx(model, folder))
    return made


def inputs(model: SARGAN, batch: int, height: int, width: int) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(batch)
    expression = rng.dirichlet(np.ones(len(model.config.expressions)), batch)
    rows, columns = np.linspace(0, 6, height)[:, None], np.linspace(0, 5, width)[None]
    pictures = [[np.sin(rows + b + c) * np.cos(columns * (1 + c)) for c in range(3)] for b in range(batch)]
    return {
        "pixel_values": np.array(pictures, dtype=np.float32),
        "expression": expression.astype(np.float32),
        "intensity": np.linspace(0, 1.3, batch, dtype=np.float32),
    }


def session(path: Path) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    return onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])


@pytest.mark.parametrize("name", CONFIGS)
@pytest.mark.parametrize("size", [(1, 128, 128), (3, 32, 80), (2, 160, 48)])
def test_every_output_agrees_with_torch_at_any_size(exports, name, size):
    model, folder, _ = exports[name]
    feed = inputs(model, *size)
    with torch.no_grad():
        expected = model(*(torch.from_numpy(array) for array in feed.values()))
    running = session(folder / "onnx" / "model.onnx")
    actual = dict(zip([o.name for o in running.get_outputs()], running.run(None, feed), strict=True))
    assert list(actual) == [field for field in expected if expected[field] is not None]
    for field, values in actual.items():
        np.testing.assert_allclose(values, expected[field].numpy(), atol=TOLERANCE, rtol=0, err_msg=field)


def test_intensity_zero_is_the_input(exports):
    model, folder, _ = exports["motion"]
    feed = inputs(model, 2, 64, 96) | {"intensity": np.zeros(2, dtype=np.float32)}
    assert np.array_equal(session(folder / "onnx" / "model.onnx").run(["sample"], feed)[0], feed["pixel_values"])


@pytest.mark.parametrize("name", CONFIGS)
def test_variants_are_smaller_and_their_error_is_as_reported(exports, name):
    model, _, (full, half, quantized) = exports[name]
    assert full.largest_error < TOLERANCE
    assert full.mean_error < half.mean_error < quantized.mean_error
    assert half.largest_error < 0.02
    assert quantized.mean_error < 0.02
    feed = inputs(model, 2, 64, 64)
    with torch.no_grad():
        expected = model(*(torch.from_numpy(array) for array in feed.values())).sample.numpy()
    for variant in (half, quantized):
        error = np.abs(session(variant.path).run(["sample"], feed)[0] - expected).mean()
        assert error < 4 * variant.mean_error
    sizes = [_weight_bytes(file.path) for file in (full, half, quantized)]
    assert sizes[1] == pytest.approx(sizes[0] / 2, rel=0.05)
    assert sizes[2] < 0.55 * sizes[0]


def _weight_bytes(path: Path) -> int:
    return sum(numpy_helper.to_array(tensor).nbytes for tensor in onnx.load(path).graph.initializer)


def test_files_are_valid_and_say_what_they_are(exports):
    _, folder, files = exports["motion"]
    for file in files:
        graph = onnx.load(file.path)
        onnx.checker.check_model(graph, full_check=file.path.name == "model.onnx")
        assert graph.opset_import[0].version == 18
        assert {entry.domain for entry in graph.opset_import} <= {"", "ai.onnx"}
        config = json.loads({entry.key: entry.value for entry in graph.metadata_props}["sargan_config"])
        assert config["expressions"][3] == "happy"
    assert json.loads((folder / "config.json").read_text())["_class_name"] == "SARGAN"
    assert {path.name for path in (folder / "onnx").iterdir()} == {file.path.name for file in files}


def test_inputs_are_named_and_free_in_batch_and_size(exports):
    running = session(exports["motion"][1] / "onnx" / "model.onnx")
    shapes = {entry.name: entry.shape for entry in running.get_inputs() + running.get_outputs()}
    assert shapes == {
        "pixel_values": ["batch", 3, "height", "width"],
        "expression": ["batch", 7],
        "intensity": ["batch"],
        "sample": ["batch", 3, "height", "width"],
        "residual": ["batch", 3, "height", "width"],
        "attention": ["batch", 1, "height / 4", "width / 4"],
        "motion": ["batch", 2, "height", "width"],
    }


@pytest.mark.parametrize("name", CONFIGS)
def test_generator_gives_what_the_torch_one_gives(exports, name):
    from sargan_hf.inference.torch_backend import TorchGenerator

    model, folder, _ = exports[name]
    ours, theirs = ONNXGenerator.from_pretrained(folder, threads=1), TorchGenerator(model)
    assert ours.expressions == theirs.expressions
    assert ours.sample_size == theirs.sample_size == 64
    feed = inputs(model, 3, 64, 64)
    outputs = [generator(feed["pixel_values"], feed["expression"]) for generator in (ours, theirs)]
    fields = [[*output[:4], *(output.layer or ())] for output in outputs]
    assert len(fields[0]) == 4 + 2 * bool(model.config.occlusion)
    for actual, expected in zip(*fields, strict=True):
        assert (actual is None) == (expected is None)
        if actual is not None:
            np.testing.assert_allclose(actual, expected, atol=TOLERANCE, rtol=0)


@pytest.mark.parametrize("dtype", ["fp16", "int8"])
def test_generator_reads_the_variants(exports, dtype):
    model, folder, _ = exports["motion"]
    feed = inputs(model, 1, 64, 64)
    full, variant = (
        ONNXGenerator.from_pretrained(folder, dtype=kind, threads=1)(feed["pixel_values"], feed["expression"])
        for kind in ("fp32", dtype)
    )
    assert 0 < np.abs(full.residual - variant.residual).mean() < 0.05


def test_generator_says_what_is_wrong(exports, tmp_path):
    with pytest.raises(ConfigurationError, match="use one of fp32, fp16, int8"):
        ONNXGenerator.from_pretrained(exports["motion"][1], dtype="fp8")
    with pytest.raises(ModelFormatError, match=r"has no onnx/model\.onnx; write it with `sargan export"):
        ONNXGenerator.from_pretrained(tmp_path)
    (tmp_path / "text.onnx").write_text("no graph")
    with pytest.raises(ModelFormatError, match="not an ONNX file that"):
        ONNXGenerator(tmp_path / "text.onnx")
    with pytest.raises(ModelFormatError, match="neither a folder nor the name of a repository"):
        ONNXGenerator.from_pretrained("a/b/c")


def test_foreign_onnx_files_are_refused(tmp_path):
    value = onnx.helper.make_tensor_value_info("x", onnx.TensorProto.FLOAT, [1])
    node = onnx.helper.make_node("Identity", ["x"], ["y"])
    out = onnx.helper.make_tensor_value_info("y", onnx.TensorProto.FLOAT, [1])
    graph = onnx.helper.make_model(
        onnx.helper.make_graph([node], "other", [value], [out]), opset_imports=[onnx.helper.make_opsetid("", 18)]
    )
    graph.ir_version = 10
    onnx.save(graph, tmp_path / "other.onnx")
    with pytest.raises(ModelFormatError, match="not an ONNX file that"):
        ONNXGenerator(tmp_path / "other.onnx")


def test_output_that_is_a_file_is_refused(tmp_path):
    (tmp_path / "taken").write_text("")
    with pytest.raises(ModelFormatError, match="give a folder"):
        export_onnx(random_model(), tmp_path / "taken")


def test_the_command(tiny_model_folder, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["sargan", "export", str(tiny_model_folder), str(tmp_path)])
    with pytest.raises(SystemExit) as ended:
        main()
    assert not ended.value.code
    lines = capsys.readouterr().out.splitlines()
    assert [Path(line.split()[0]).name for line in lines] == ["model.onnx", "model_fp16.onnx", "model_quantized.onnx"]
    assert all("error" in line for line in lines)


def test_pipeline_runs_from_a_hub_without_torch(exports, tmp_path):
    """A picture of noise and a box by hand, so that what is tested is the backend."""
    code = """
import sys
import numpy as np
from sargan_hf import SARGANPipeline
pipe = SARGANPipeline.from_pretrained("tester/onnx", backend="onnx")
picture = np.random.default_rng(0).integers(0, 255, (120, 160, 3), dtype=np.uint8)
edited = pipe(picture, expression="happy", box=(40, 20, 120, 110)).images[0]
assert (np.asarray(edited) != picture).any()
assert "torch" not in sys.modules, "torch was imported"
"""
    with Hub() as hub:
        hub.add("tester/onnx", exports["motion"][1])
        settings = {"HF_ENDPOINT": hub.url, "HF_HOME": str(tmp_path), "HF_HUB_DISABLE_XET": "1"}
        command = [sys.executable, "-c", code]
        finished = subprocess.run(command, env=os.environ | settings, capture_output=True, text=True, timeout=120)
    assert finished.returncode == 0, finished.stderr[-2000:]
