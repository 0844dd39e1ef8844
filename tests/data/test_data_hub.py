"""Data sets on the Hub: the real client over real HTTP, whole, streamed, and under a training run."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from hub_server import Hub

from sargan_hf.data.loading import load_expression_dataset

ROOT = Path(__file__).resolve().parents[2]

READ = """
import itertools, sys
from sargan_hf.data.loading import load_expression_dataset
from sargan_hf.data.streaming import share_of_process

whole = load_expression_dataset("lab/faces")
stream = load_expression_dataset("lab/faces", streaming=True)
shares = [[row["recipe"] for row in share_of_process(stream, rank, 2, seed=3)] for rank in range(2)]
assert sorted(itertools.chain(*shares)) == sorted(whole["recipe"])
first = next(iter(stream))
assert list(first["image"].getdata()) == list(whole[0]["image"].getdata())
print(len(whole), *map(len, shares))
"""


@pytest.fixture
def hub(expression_folder, tmp_path):
    """A hub that holds the drawn people as two Parquet shards."""
    dataset = load_expression_dataset(expression_folder)
    dataset = dataset.add_column("recipe", [f"recipe {index}" for index in range(len(dataset))])
    folder = tmp_path / "set"
    (folder / "data").mkdir(parents=True)
    for index in range(2):
        dataset.shard(2, index).to_parquet(folder / "data" / f"train-{index:05d}-of-00002.parquet")
    (folder / "README.md").write_text("---\nlicense: other\n---\n# A set\n")
    with Hub() as hub:
        hub.add("lab/faces", folder)
        yield hub


@pytest.fixture
def environment(hub, tmp_path) -> dict[str, str]:
    here = {name: value for name, value in os.environ.items() if name not in ("HF_HUB_OFFLINE", "HF_TOKEN")}
    return here | {
        "HF_ENDPOINT": hub.url,
        "HF_HOME": str(tmp_path / "hf"),
        "HF_HUB_DISABLE_XET": "1",
        "OMP_NUM_THREADS": "1",
    }


def run(command: list[str], environment: dict[str, str]) -> subprocess.CompletedProcess:
    return subprocess.run(command, env=environment, cwd=ROOT, capture_output=True, text=True, timeout=280)


@pytest.mark.launch
def test_a_set_on_the_hub_is_the_same_whole_and_streamed_by_two_processes(hub, environment):
    result = run([sys.executable, "-c", READ], environment)
    assert result.returncode == 0, result.stderr[-2000:]
    total, *shares = map(int, result.stdout.split())
    assert sum(shares) == total > 0
    assert min(shares) > 0
    assert any("/resolve/" in request and ".parquet" in request for request in hub.requests)


@pytest.mark.launch
def test_training_on_a_streamed_set_of_the_hub(environment, tmp_path):
    flags = """
        --dataset_name lab/faces --streaming --held_out 0 --base_channels 4 --resolution 32 --discriminator_channels 4
        --discriminator_layers 3 --dataloader_num_workers 0 --max_train_steps 2 --train_batch_size 2 --report_to none
    """.split()
    output = tmp_path / "run"
    result = run([sys.executable, str(ROOT / "train_accelerate.py"), *flags, "--output_dir", str(output)], environment)
    assert result.returncode == 0, result.stderr[-2000:]
    assert (output / "diffusion_pytorch_model.safetensors").exists()


@pytest.mark.launch
def test_a_set_that_is_not_there_is_named(environment):
    code = "from sargan_hf.data.loading import load_expression_dataset; load_expression_dataset('lab/nothing')"
    result = run([sys.executable, "-c", code], environment)
    assert result.returncode != 0
    assert "DatasetError" in result.stderr
    assert "lab/nothing" in result.stderr.splitlines()[-1] or "lab/nothing" in result.stderr
