"""Checkpoints of the reference implementation: every name, the arithmetic, and what must be refused."""

import pickle
import sys
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from sargan_hf import SARGAN
from sargan_hf.cli import main
from sargan_hf.convert import convert_checkpoint, from_reference_state_dict
from sargan_hf.errors import ModelFormatError


def reference_shapes(width: int = 64, expressions: int = 7) -> dict[str, tuple[int, ...]]:
    """Names and shapes of a reference checkpoint, written down from the layout in the paper, section III."""
    shapes: dict[str, tuple[int, ...]] = {}

    def norm(name: str, channels: int) -> None:
        shapes.update({f"{name}.weight": (channels,), f"{name}.bias": (channels,)})

    def tracked_norm(name: str, channels: int) -> None:
        norm(name, channels)
        shapes.update({f"{name}.running_mean": (channels,), f"{name}.running_var": (channels,)})
        shapes[f"{name}.num_batches_tracked"] = ()

    def layer(name: str, wide: int, narrow: int) -> None:
        shapes[f"{name}.conv2d.weight"] = (narrow, wide, 3, 3)
        norm(f"{name}.norm.norm", narrow)

    def attention(name: str, wide: int) -> None:
        for part in ("b1_2", "b2_2"):
            layer(f"{name}.{part}", wide, 64)
        for part in ("b1_1", "b2_1", "b2_plus_1", "b3_1", "b3_2"):
            layer(f"{name}.{part}", 64, 64)
        shapes.update({f"{name}.out_block.0.conv2d.weight": (1, 64, 3, 3), f"{name}.out_block.0.conv2d.bias": (1,)})

    attention("att_func", 3)
    trunk = [(0, (width, 3 + expressions, 7, 7)), (3, (2 * width, width, 4, 4)), (6, (4 * width, 2 * width, 4, 4))]
    for index, shape in trunk:
        shapes[f"main.{index}.weight"] = shape
        tracked_norm(f"main.{index + 1}", shape[0])
    for part in ("conv1", "conv2"):
        layer(f"main.9.{part}", 4 * width, 4 * width)
    attention("main.9.att_func", 4 * width)
    for index, shape in [(10, (4 * width, 2 * width, 4, 4)), (13, (2 * width, width, 4, 4))]:
        shapes[f"main.{index}.weight"] = shape
        tracked_norm(f"main.{index + 1}", shape[1])
    shapes["main.16.weight"] = (3, width, 7, 7)
    return shapes


def random_checkpoint(**layout) -> dict[str, Tensor]:
    """Random weights, as spread out as trained ones, under the reference's names."""
    generator = torch.Generator().manual_seed(0)
    tensors = {}
    for name, shape in reference_shapes(**layout).items():
        fan_in = max(1, int(torch.tensor(shape[1:]).prod())) if len(shape) == 4 else 4
        tensors[name] = torch.randn(shape, generator=generator) / fan_in**0.5
        if len(shape) == 1 and name.endswith("weight"):
            tensors[name] += 1
    return tensors


def reference_forward(tensors: dict[str, Tensor], pictures: Tensor, expression: Tensor) -> Tensor:
    """The reference's arithmetic over its own names, with nothing but `torch.nn.functional`."""

    def norm(hidden: Tensor, name: str) -> Tensor:
        return F.instance_norm(hidden, weight=tensors[f"{name}.weight"], bias=tensors[f"{name}.bias"])

    def layer(hidden: Tensor, name: str, stride: int = 1, relu: bool = True) -> Tensor:
        padded = F.pad(hidden, (1, 1, 1, 1), mode="reflect")
        hidden = norm(F.conv2d(padded, tensors[f"{name}.conv2d.weight"], stride=stride), f"{name}.norm.norm")
        return F.relu(hidden) if relu else hidden

    def double(hidden: Tensor) -> Tensor:
        return hidden.repeat_interleave(2, dim=2).repeat_interleave(2, dim=3)

    def attend(change: Tensor, name: str) -> Tensor:
        half = layer(change, f"{name}.b2_2", stride=2)
        quarter = layer(layer(half, f"{name}.b2_1", stride=2), f"{name}.b2_plus_1")
        half = layer(half, f"{name}.b1_1") + layer(double(quarter), f"{name}.b3_1")
        full = F.pad(layer(change, f"{name}.b1_2") + layer(double(half), f"{name}.b3_2"), (1, 1, 1, 1), mode="reflect")
        out = f"{name}.out_block.0.conv2d"
        return torch.sigmoid(F.conv2d(full, tensors[f"{out}.weight"], tensors[f"{out}.bias"]))

    hidden = torch.cat([pictures, expression[:, :, None, None].repeat(1, 1, *pictures.shape[2:])], dim=1)
    hidden = F.relu(norm(F.conv2d(hidden, tensors["main.0.weight"], padding=3), "main.1"))
    hidden = F.relu(norm(F.conv2d(hidden, tensors["main.3.weight"], stride=2, padding=1), "main.4"))
    hidden = F.relu(norm(F.conv2d(hidden, tensors["main.6.weight"], stride=2, padding=1), "main.7"))
    change = layer(layer(hidden, "main.9.conv1"), "main.9.conv2", relu=False)
    hidden = hidden + change * attend(change, "main.9.att_func")
    hidden = F.relu(norm(F.conv_transpose2d(hidden, tensors["main.10.weight"], stride=2, padding=1), "main.11"))
    hidden = F.relu(norm(F.conv_transpose2d(hidden, tensors["main.13.weight"], stride=2, padding=1), "main.14"))
    return pictures + torch.tanh(F.conv2d(hidden, tensors["main.16.weight"], padding=3))


def save(tensors: object, path: Path) -> Path:
    torch.save(tensors, path)
    return path


@pytest.fixture(scope="module")
def small_checkpoint() -> dict[str, Tensor]:
    return random_checkpoint(width=8)


@pytest.fixture
def inputs() -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(1)
    return torch.rand(2, 3, 64, 96, generator=generator) * 2 - 1, torch.eye(7)[[3, 6]]


def test_names_and_shapes_match_the_list_of_a_real_checkpoint():
    listing = Path(__file__).parents[2] / "shared" / "official_generator_keys.tsv"
    if not listing.is_file():
        pytest.skip(f"No {listing}.")
    lines = (line.split("\t") for line in listing.read_text().splitlines())
    listed = {name: tuple(int(side) for side in shape.strip("()").split(",") if side.strip()) for name, shape in lines}
    assert reference_shapes() == listed


def test_full_size_checkpoint_converts_and_agrees_with_the_reference(tmp_path):
    tensors = random_checkpoint()
    converted = convert_checkpoint(save(tensors, tmp_path / "sargan_G.ckpt"), tmp_path / "out")
    assert sum(p.numel() for p in converted.parameters()) == 3_014_145
    pictures, expression = torch.rand(1, 3, 128, 128) * 2 - 1, torch.eye(7)[:1]
    loaded = SARGAN.from_pretrained(tmp_path / "out")
    with torch.no_grad():
        expected = reference_forward(tensors, pictures, expression)
        assert (expected - pictures).abs().mean() > 0.05  # the weights do something
        torch.testing.assert_close(loaded(pictures, expression).sample, expected, atol=1e-5, rtol=0)


def test_converted_model_agrees_at_other_sizes_and_blends(small_checkpoint, inputs):
    pictures, expression = inputs[0], inputs[1] * 0.4 + 0.6 / 7
    model = from_reference_state_dict(small_checkpoint)
    with torch.no_grad():
        expected = reference_forward(small_checkpoint, pictures, expression)
        torch.testing.assert_close(model(pictures, expression).sample, expected, atol=1e-5, rtol=0)


@pytest.mark.parametrize(
    "wrap",
    [
        lambda t: {"state_dict": t, "step": 200_000},
        lambda t: {"G": t, "D": {}},
        lambda t: {f"module.{name}": tensor for name, tensor in t.items()},
        lambda t: {name: tensor.half() if tensor.is_floating_point() else tensor for name, tensor in t.items()},
        lambda t: {name: tensor for name, tensor in t.items() if "running" not in name and name[:3] != "att"},
    ],
)
def test_usual_variants_are_read(small_checkpoint, inputs, tmp_path, wrap):
    converted = convert_checkpoint(save(wrap(small_checkpoint), tmp_path / "G.ckpt"), tmp_path / "out")
    with torch.no_grad():
        expected = reference_forward(small_checkpoint, *inputs)
        torch.testing.assert_close(converted(*inputs).sample, expected, atol=0.05, rtol=0)


def test_missing_unexpected_and_misshapen_are_all_listed(small_checkpoint, tmp_path):
    tensors = dict(small_checkpoint)
    del tensors["main.9.att_func.b1_1.norm.norm.bias"]
    tensors["main.6.weight"] = torch.zeros(3, 3)
    tensors["main.1.bias"] = torch.full((8,), float("nan"))
    tensors["main.3.bias"] = torch.zeros(16)
    tensors["main.99.weight"] = torch.zeros(1)
    with pytest.raises(ModelFormatError) as raised:
        convert_checkpoint(save(tensors, tmp_path / "G.ckpt"), tmp_path / "out")
    for line in (
        "missing: main.9.att_func.b1_1.norm.norm.bias [64]",
        "wrong shape: main.6.weight is [3, 3], not [32, 16, 4, 4]",
        "not finite: main.1.bias",
        "unexpected: main.3.bias",
        "unexpected: main.99.weight",
    ):
        assert line in str(raised.value)
    assert not (tmp_path / "out").exists()


def test_other_numbers_of_expressions_must_be_named(tmp_path):
    path = save(random_checkpoint(width=8, expressions=3), tmp_path / "G.ckpt")
    with pytest.raises(ModelFormatError, match="trained with 3 expressions"):
        convert_checkpoint(path, tmp_path / "out")
    convert_checkpoint(path, tmp_path / "out", ["neutral", "happy", "sad"])
    assert list(SARGAN.from_pretrained(tmp_path / "out").config.expressions) == ["neutral", "happy", "sad"]


class _RunsCode:
    def __reduce__(self):
        return Path.touch, (Path("owned"),)


@pytest.mark.filterwarnings("ignore:Detected pickle protocol")
def test_a_pickle_that_would_run_code_is_refused(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name, content in {"torch.ckpt": None, "plain.pkl": pickle.dumps({"main.0.weight": _RunsCode()})}.items():
        if content is None:
            torch.save({"main.0.weight": _RunsCode()}, name)
        else:
            Path(name).write_bytes(content)
        with pytest.raises(ModelFormatError, match="more than tensors"):
            convert_checkpoint(name, "out")
    assert not Path("owned").exists()
    assert not Path("out").exists()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "damaged or no torch.save file"),
        (b"\x89PNG\r\n\x1a\n" + bytes(100), "no torch.save file"),
        ([1, 2, 3], "no mapping of names to tensors"),
        ({}, "no mapping of names to tensors"),
        ({"main.0.weight": 3}, "no mapping of names to tensors"),
        ({"encoder.weight": torch.zeros(1)}, "no convolution main.0.weight. It starts with encoder.weight"),
    ],
)
def test_other_files_are_refused(content, message, tmp_path):
    path = tmp_path / "file.ckpt"
    if isinstance(content, bytes):
        path.write_bytes(content)
    else:
        save(content, path)
    with pytest.raises(ModelFormatError, match=message):
        convert_checkpoint(path, tmp_path / "out")


def test_a_truncated_checkpoint_is_refused(small_checkpoint, tmp_path):
    path = save(small_checkpoint, tmp_path / "G.ckpt")
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(ModelFormatError, match="damaged"):
        convert_checkpoint(path, tmp_path / "out")


def test_the_command(small_checkpoint, tmp_path, monkeypatch, capsys):
    path = save(small_checkpoint, tmp_path / "G.ckpt")
    monkeypatch.setattr(sys, "argv", ["sargan", "convert", str(path), str(tmp_path / "out")])
    with pytest.raises(SystemExit) as ended:
        main()
    assert not ended.value.code
    assert capsys.readouterr().out == f"Saved {tmp_path / 'out'}\n"
    monkeypatch.setattr(sys, "argv", ["sargan", "convert", str(tmp_path), str(tmp_path / "out")])
    with pytest.raises(SystemExit, match=r"error: .* is not a file"):
        main()


def test_missing_file_and_taken_output_are_named(small_checkpoint, tmp_path):
    with pytest.raises(ModelFormatError, match=r"nowhere\.ckpt is not a file"):
        convert_checkpoint(tmp_path / "nowhere.ckpt", tmp_path / "out")
    path = save(small_checkpoint, tmp_path / "G.ckpt")
    with pytest.raises(ModelFormatError, match="give a folder"):
        convert_checkpoint(path, path)
