"""Models to and from a hub over real HTTP, in Python processes of their own, as the client reads its endpoint once."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from hub_server import Hub
from safetensors.torch import load_file, save_file

from sargan_hf import SARGAN, SARGANPipeline
from sargan_hf.errors import ModelFormatError
from sargan_hf.hub import load_model, push_model

WEIGHTS = "diffusion_pytorch_model.safetensors"
CODE = ("modeling_sargan.py", "modeling_layers.py")
ROOT = Path(__file__).resolve().parent.parent

WITHOUT_PACKAGE = """
import sys

class Refuse:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] == "sargan_hf":
            raise ModuleNotFoundError("sargan_hf is not installed here")

sys.meta_path.insert(0, Refuse())
"""
EDIT = """
import torch
torch.manual_seed(7)
picture = torch.rand(1, 3, 64, 64) * 2 - 1
print(model(picture, torch.eye(7)[3:4]).sample.double().sum().item())
"""


@pytest.fixture
def hub():
    with Hub() as hub:
        yield hub


@pytest.fixture
def python(hub, tmp_path):
    """Runs code in a fresh interpreter that knows only our hub and an empty cache; returns what it prints last."""

    def run(code: str, expect_failure: bool = False, **environment: str) -> str:
        settings = {
            "HF_ENDPOINT": hub.url,
            "HF_HOME": str(tmp_path / "home"),
            "HF_TOKEN": hub.token,
            "HF_HUB_DISABLE_XET": "1",
            "HF_HUB_DISABLE_PROGRESS_BARS": "1",
            "HF_HUB_DISABLE_TELEMETRY": "1",
        }
        kept = {name: value for name, value in os.environ.items() if not name.startswith("HF_")}
        finished = subprocess.run(
            [sys.executable, "-c", code],
            env=kept | settings | environment,
            capture_output=True,
            text=True,
            timeout=300,
            cwd=tmp_path,
        )
        assert (finished.returncode != 0) == expect_failure, finished.stderr[-2000:]
        return "".join((finished.stderr if expect_failure else finished.stdout).strip().splitlines()[-1:])

    return run


def expected_sum(model: SARGAN) -> float:
    printed: list[float] = []
    with torch.no_grad():
        exec(EDIT, {"model": model, "print": printed.append})
    return printed[0]


@pytest.mark.launch
def test_push_then_pull_over_http(hub, python, tiny_model_folder, tmp_path):
    python(f"from sargan_hf.hub import push_model; push_model({str(tiny_model_folder)!r}, 'tester/first')")
    files = hub.files("tester/first")
    assert {"config.json", WEIGHTS, *CODE, "README.md"} <= files.keys()
    assert files[WEIGHTS] == (tiny_model_folder / WEIGHTS).read_bytes()
    assert all(files[name] == (ROOT / "sargan_hf" / name).read_bytes() for name in CODE)
    assert files["README.md"].startswith(b"---\nlibrary_name: diffusers")
    assert any("info/lfs/objects/batch" in request for request in hub.requests)  # the weights went over LFS

    wanted = expected_sum(SARGAN.from_pretrained(tiny_model_folder))
    pulled = "from sargan_hf import SARGAN\nmodel = SARGAN.from_pretrained('tester/first')\n" + EDIT
    assert float(python(pulled)) == pytest.approx(wanted, abs=1e-3)

    asked = len(hub.requests)
    assert float(python(pulled, HF_HUB_OFFLINE="1")) == pytest.approx(wanted, abs=1e-3)
    assert len(hub.requests) == asked
    nothing_cached = pulled.replace("'tester/first'", "'tester/first', cache_dir='empty'")
    assert "Error" in python(nothing_cached, expect_failure=True, HF_HUB_OFFLINE="1")


@pytest.mark.launch
def test_auto_model_loads_a_repository_without_the_package(hub, python, tiny_model_folder):
    hub.add("tester/auto", tiny_model_folder)
    code = "from diffusers import AutoModel\nmodel = AutoModel.from_pretrained('tester/auto', trust_remote_code=True)\n"
    total = float(python(WITHOUT_PACKAGE + code + EDIT))
    assert total == pytest.approx(expected_sum(SARGAN.from_pretrained(tiny_model_folder)), abs=1e-3)


@pytest.mark.launch
def test_auto_model_loads_a_saved_folder_without_the_package(python, tiny_model_folder):
    load = f"model = AutoModel.from_pretrained({str(tiny_model_folder)!r}, trust_remote_code=True)\n"
    total = float(python(WITHOUT_PACKAGE + "from diffusers import AutoModel\n" + load + EDIT))
    assert total == pytest.approx(expected_sum(SARGAN.from_pretrained(tiny_model_folder)), abs=1e-3)


@pytest.mark.launch
def test_auto_model_without_a_network_loads_a_downloaded_folder(hub, python, tiny_model_folder):
    hub.add("tester/auto", tiny_model_folder)
    python("from huggingface_hub import snapshot_download; snapshot_download('tester/auto', local_dir='models/auto')")
    code = "from diffusers import AutoModel\nmodel = AutoModel.from_pretrained({!r}, trust_remote_code=True)\n"
    total = float(python(WITHOUT_PACKAGE + code.format("models/auto") + EDIT, HF_HUB_OFFLINE="1"))
    assert total == pytest.approx(expected_sum(SARGAN.from_pretrained(tiny_model_folder)), abs=1e-3)
    python(code.format("tester/auto"))  # in the cache, and yet:
    assert "OfflineModeIsEnabled" in python(code.format("tester/auto"), expect_failure=True, HF_HUB_OFFLINE="1")


@pytest.mark.launch
def test_revisions_subfolders_and_cache_dir(hub, python, tiny_model_folder, tmp_path):
    python(
        f"""
from sargan_hf import SARGAN
from sargan_hf.hub import push_model
model = SARGAN.from_pretrained({str(tiny_model_folder)!r})
model.push_to_hub("tester/both")
model.conv_out.weight.data.zero_()
push_model(model, "tester/both", revision="zeroed")
model.push_to_hub("tester/both", subfolder="nested")
"""
    )
    assert f"nested/{WEIGHTS}" in hub.files("tester/both")
    assert hub.files("tester/both")[WEIGHTS] != hub.files("tester/both", "zeroed")[WEIGHTS]
    commit = hub.repositories["tester/both"].branches["zeroed"]
    printed = python(
        f"""
from sargan_hf import SARGAN
where = [{{}}, dict(revision="zeroed"), dict(revision="{commit}"), dict(subfolder="nested", cache_dir="elsewhere")]
models = [SARGAN.from_pretrained("tester/both", **options) for options in where]
print([bool(model.conv_out.weight.any()) for model in models])
"""
    )
    assert printed == "[True, False, False, False]"
    assert list((tmp_path / "elsewhere").glob(f"**/{WEIGHTS}"))


@pytest.mark.launch
def test_private_repositories_need_the_token(hub, python, tiny_model_folder):
    hub.add("tester/own", tiny_model_folder, private=True)
    code = """
from sargan_hf.errors import ModelFormatError
from sargan_hf.hub import load_model
try:
    load_model("tester/own", token="hf_other")
except ModelFormatError as error:
    print(load_model("tester/own").config.sample_size, error)
"""
    assert python(code).startswith("64 tester/own cannot be loaded as a SARGAN model.")


@pytest.mark.launch
def test_failures_over_http_name_what_is_missing(hub, python, tiny_model_folder):
    repository = hub.add("tester/odd", tiny_model_folder)
    repository.commit("pickled", hub.files("tester/odd") | {WEIGHTS: None, "diffusion_pytorch_model.bin": b"pickle"})
    code = """
from sargan_hf.errors import ModelFormatError
from sargan_hf.hub import load_model
messages = []
for name, revision in [("tester/odd", "pickled"), ("tester/odd", "no-such-branch"), ("tester/nothing", None)]:
    try:
        load_model(name, revision=revision)
    except ModelFormatError as error:
        messages.append(str(error))
print(json.dumps(messages))
"""
    pickled, branch, repository = json.loads(python("import json" + code))
    assert "sargan convert CKPT OUT" in pickled
    assert "no-such-branch" in branch
    assert "tester/nothing" in repository


@pytest.fixture
def folder(tiny_model_folder, tmp_path) -> Path:
    """A model folder to damage."""
    copy = tmp_path / "model"
    SARGAN.from_pretrained(tiny_model_folder).save_pretrained(copy)
    return copy


def test_a_folder_with_a_pickle_alone_is_refused(folder):
    torch.save(load_file(folder / WEIGHTS), folder / "diffusion_pytorch_model.bin")
    (folder / WEIGHTS).unlink()
    with pytest.raises(ModelFormatError, match="sargan convert CKPT OUT"):
        load_model(folder)
    with pytest.raises(OSError, match="sargan convert CKPT OUT"):
        SARGAN.from_pretrained(folder)
    with pytest.raises(OSError, match="sargan convert CKPT OUT"):
        SARGAN.from_pretrained(folder, use_safetensors=False)


def test_no_pickle_is_ever_written(folder):
    with pytest.raises(ValueError, match="safetensors only"):
        SARGAN.from_pretrained(folder).save_pretrained(folder / "pickled", safe_serialization=False)


def _edit_config(folder: Path, **changes) -> None:
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(config | changes))


def _edit_weights(folder: Path, drop: str = "", **extra) -> None:
    tensors = {name: tensor for name, tensor in load_file(folder / WEIGHTS).items() if name != drop}
    save_file(tensors | extra, folder / WEIGHTS)


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda f: (f / "config.json").unlink(), "no file named config.json"),
        (lambda f: (f / "config.json").write_text("{"), "not a valid JSON"),
        (lambda f: (f / WEIGHTS).unlink(), "sargan convert"),
        (lambda f: (f / WEIGHTS).write_bytes(b""), "Unable to load weights"),
        (lambda f: (f / WEIGHTS).write_bytes((f / WEIGHTS).read_bytes()[:5000]), "Unable to load weights"),
        (lambda f: _edit_config(f, base_channels=16), "expected shape"),
        (lambda f: _edit_config(f, base_channels="wide"), "cannot be loaded"),
        (lambda f: _edit_config(f, _class_name="UNet2DModel"), "a UNet2DModel, not a SARGAN"),
        (lambda f: _edit_weights(f, drop="conv_out.weight"), "missing conv_out.weight"),
        (lambda f: _edit_weights(f, other=torch.zeros(1)), "unexpected other"),
    ],
)
def test_damaged_folders_are_named(folder, damage, message):
    damage(folder)
    with pytest.raises(ModelFormatError, match=message):
        load_model(folder)


RELEASED = sorted(path.parent for path in (ROOT / "weights").glob("*/config.json"))


@pytest.mark.skipif(not RELEASED, reason="no released model in weights/")
@pytest.mark.parametrize("folder", RELEASED, ids=lambda path: path.name)
def test_released_models_load_and_carry_the_current_code(folder):
    load_model(folder)
    assert all((folder / name).read_text() == (ROOT / "sargan_hf" / name).read_text() for name in CODE)
    assert (folder / "README.md").read_text().startswith("---\n")


@pytest.mark.parametrize("name", ["/no/such/folder", "a/b/c", "", "two words"])
def test_names_that_cannot_be_models(name):
    with pytest.raises(ModelFormatError, match="neither a folder nor"):
        load_model(name)


def test_push_refuses_a_folder_that_does_not_load(tmp_path):
    with pytest.raises(ModelFormatError, match="not a folder"):
        push_model(tmp_path / "nowhere", "tester/never")


@pytest.mark.launch
@pytest.mark.parametrize("endpoint", ["http://127.0.0.1:9", ""], ids=["no server", "wrong token"])
def test_push_command_says_why_it_failed(hub, python, folder, endpoint):
    code = f"""
import sys
from sargan_hf.cli import main
sys.argv = ["sargan", "push", {str(folder)!r}, "tester/refused"]
main()
"""
    message = python(code, expect_failure=True, HF_ENDPOINT=endpoint or hub.url, HF_TOKEN="hf_other")
    assert message.startswith("error: The upload to tester/refused failed. ")


@pytest.mark.launch
def test_push_leaves_pickles_and_hidden_files_behind(hub, python, folder, tmp_path):
    for name in ("optimizer.bin", "state.pkl", ".secret", "example.png"):
        (folder / name).write_bytes(b"x")
    (folder / "onnx").mkdir()
    (folder / "onnx" / "model.onnx").write_bytes(b"x")
    (tmp_path / "card.md").write_text("---\nlicense: mit\n---\n# Mine\n")
    python(
        "from sargan_hf.hub import push_model\n"
        f"push_model({str(folder)!r}, 'tester/clean', card='card.md', private=True)"
    )
    assert hub.repositories["tester/clean"].private
    files = hub.files("tester/clean")
    assert set(files) == {
        ".gitattributes",
        "config.json",
        WEIGHTS,
        *CODE,
        "README.md",
        "example.png",
        "onnx/model.onnx",
    }
    assert b"# Mine" in files["README.md"]


def test_saving_over_a_folder_whose_code_is_a_link_keeps_the_link(tmp_path, tiny_model_folder):
    """A released folder inside a checkout may link to the one source of the code."""
    (tmp_path / "modeling_sargan.py").symlink_to(ROOT / "sargan_hf" / "modeling_sargan.py")
    SARGAN.from_pretrained(tiny_model_folder).save_pretrained(tmp_path)
    assert (tmp_path / "modeling_sargan.py").is_symlink()
    assert len((ROOT / "sargan_hf" / "modeling_sargan.py").read_text()) > 1000


@pytest.mark.launch
def test_a_pushed_model_brings_its_mouth_refiner_and_a_model_without_one_does_without(
    hub, python, tiny_model_folder, tmp_path
):
    folder = tmp_path / "faces"
    shutil.copytree(tiny_model_folder, folder)
    SARGAN(base_channels=8, attention_channels=8, sample_size=96).save_pretrained(folder / "mouth")
    load = "from sargan_hf import SARGANPipeline; pipe = SARGANPipeline.from_pretrained({!r}); print({})"
    python(f"from sargan_hf.hub import push_model; push_model({str(folder)!r}, 'lab/faces')")
    hub.add("lab/plain", tiny_model_folder)
    assert python(load.format("lab/faces", "pipe.generator.sample_size, pipe.mouth.sample_size")) == "64 96"
    assert python(load.format("lab/faces", "pipe.mouth.sample_size"), HF_HUB_OFFLINE="1") == "96"
    assert python(load.format("lab/plain", "pipe.mouth")) == "None"


def test_a_pipeline_is_pushed_with_its_mouth_refiner(hub, python, tiny_model_folder, tmp_path):
    SARGANPipeline(
        SARGAN.from_pretrained(tiny_model_folder), SARGAN(base_channels=8, attention_channels=8, sample_size=96)
    ).save_pretrained(tmp_path)
    pushed = "from sargan_hf import SARGANPipeline; print(SARGANPipeline.from_pretrained({!r}).push_to_hub({!r}))"
    assert "lab/both" in python(pushed.format(str(tmp_path), "lab/both"))
    loaded = "from sargan_hf import SARGANPipeline; pipe = SARGANPipeline.from_pretrained({!r}); print({})"
    assert python(loaded.format("lab/both", "pipe.generator.sample_size, pipe.mouth.sample_size")) == "64 96"
