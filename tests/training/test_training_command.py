"""Training as users start it: real commands in real processes."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch
from hub_server import Hub

from sargan_hf import SARGAN

pytestmark = pytest.mark.launch

ROOT = Path(__file__).resolve().parents[2]
FLAGS = """
    --base_channels 4 --motion --resolution 32 --discriminator_channels 4 --discriminator_layers 3 --held_out 0.3
    --dataloader_num_workers 0 --decay_fraction 0 --validation_steps 50
""".split()

UPLOADED = {
    "config.json",
    "diffusion_pytorch_model.safetensors",
    "modeling_layers.py",
    "modeling_sargan.py",
    "README.md",
    "samples.png",
    "training_config.yaml",
}


@pytest.fixture
def environment(tmp_path) -> dict[str, str]:
    return os.environ | {"HF_HOME": str(tmp_path / "hf"), "OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1"}


def launch(environment, expression_folder, output, *flags, processes: int = 0) -> subprocess.CompletedProcess:
    """Runs the script with plain python, or with `accelerate launch` on that many processes."""
    command = [sys.executable, str(ROOT / "train_accelerate.py")]
    if processes:
        # Accelerate starts several CPU processes the way it starts several GPUs; the variable keeps them on the CPU.
        environment = environment | {"ACCELERATE_USE_CPU": "true"}
        launcher = [sys.executable, "-m", "accelerate.commands.launch", "--num_machines=1", "--mixed_precision=no"]
        launcher += ["--dynamo_backend=no", f"--num_processes={processes}"] + ["--multi_gpu"] * (processes > 1)
        command = [*launcher, *command[1:]]
    data = ["--train_data_dir", str(expression_folder), "--output_dir", str(output)]
    return subprocess.run(
        [*command, *data, *FLAGS, *flags], env=environment, cwd=ROOT, capture_output=True, text=True, timeout=300
    )


def test_two_processes_equal_one(environment, expression_folder, tiny_model_folder, tmp_path):
    flags = ["--max_train_steps", "1", "--init_from", str(tiny_model_folder), "--base_channels", "8"]
    one = launch(environment, expression_folder, tmp_path / "one", *flags, "--train_batch_size", "4", processes=1)
    two = launch(environment, expression_folder, tmp_path / "two", *flags, "--train_batch_size", "2", processes=2)
    assert one.returncode == 0, one.stderr[-2000:]
    assert two.returncode == 0, two.stderr[-2000:]
    for network in ("generator", "discriminator"):
        # Adam's first moment after one step is the gradient times 1 - beta1. The weights say less: where a gradient is
        # next to nothing, Adam turns its last digit into a full step.
        a, b = (
            first_moments(tmp_path / run / "checkpoint-00000001" / "optimizers.pt", network) for run in ("one", "two")
        )
        assert a.abs().max() > 1e-3
        assert torch.linalg.vector_norm(a - b) < 1e-6 * torch.linalg.vector_norm(a)
    assert list((tmp_path / "two").rglob("events.out.tfevents.*"))
    SARGAN.from_pretrained(tmp_path / "two")


def first_moments(path: Path, network: str) -> torch.Tensor:
    state = torch.load(path, weights_only=True)[network]["state"]
    return torch.cat([state[index]["exp_avg"].flatten() for index in sorted(state)])


@pytest.fixture
def hub():
    with Hub() as hub:
        yield hub


def test_ctrl_c_uploads_and_leaves_a_checkpoint_that_goes_on(environment, expression_folder, tmp_path, hub):
    output = tmp_path / "run"
    environment = {name: value for name, value in environment.items() if name != "HF_HUB_OFFLINE"}
    environment |= {"HF_ENDPOINT": hub.url, "HF_TOKEN": hub.token, "HF_HUB_DISABLE_XET": "1"}
    command = [sys.executable, str(ROOT / "train_accelerate.py"), "--train_data_dir", str(expression_folder)]
    flags = ["--report_to", "none", "--push_to_hub", "--hub_model_id", "lab/faces"]
    command += ["--output_dir", str(output), *FLAGS, "--checkpointing_steps", "5", *flags]
    process = subprocess.Popen(
        [*command, "--max_train_steps", "100000"],
        env=environment,
        cwd=ROOT,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    try:
        deadline = time.monotonic() + 240
        while not list(output.glob("checkpoint-*")) and process.poll() is None and time.monotonic() < deadline:
            time.sleep(0.2)
        before = set(hub.files("lab/faces"))
        process.send_signal(signal.SIGINT)
        text, _ = process.communicate(timeout=240)
    finally:
        process.kill()
    assert process.returncode == 0, text[-2000:]
    assert "Interrupted at step" in text
    assert "--resume_from_checkpoint latest" in text
    assert f"The model so far is in {output}" in text
    assert "Finished" not in text
    reached = int(max(path.name for path in output.glob("checkpoint-*")).removeprefix("checkpoint-"))
    interrupted = hub.files("lab/faces")
    assert before <= {".gitattributes"}  # the repository is made before the first step and filled after the last
    assert set(interrupted) - before == UPLOADED
    assert f"{reached} steps of the `fast` objective" in interrupted["README.md"].decode()

    flags += ["--resume_from_checkpoint", "latest", "--max_train_steps", str(reached + 1)]
    again = launch(environment, expression_folder, output, *flags)
    assert again.returncode == 0, again.stderr[-2000:]
    assert (output / f"checkpoint-{reached + 1:08d}").is_dir()
    finished = hub.files("lab/faces")
    assert f"{reached + 1} steps" in finished["README.md"].decode()
    weights = "diffusion_pytorch_model.safetensors"
    assert finished[weights] == (output / weights).read_bytes() != interrupted[weights]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=lambda number: number.name)
def test_a_signal_to_the_whole_job_does_not_take_the_loader_first(environment, expression_folder, tmp_path, number):
    """A terminal's Ctrl-C and a scheduler's SIGTERM reach the loader's worker too; its death was an error in mid-step."""
    output = tmp_path / "run"
    command = [sys.executable, str(ROOT / "train_accelerate.py"), "--train_data_dir", str(expression_folder)]
    command += ["--output_dir", str(output), *FLAGS, "--checkpointing_steps", "5", "--report_to", "none"]
    command += ["--dataloader_num_workers", "1", "--max_train_steps", "100000"]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}
    process = subprocess.Popen(command, env=environment, cwd=ROOT, text=True, start_new_session=True, **pipes)
    try:
        deadline = time.monotonic() + 240
        while not list(output.glob("checkpoint-*")) and process.poll() is None and time.monotonic() < deadline:
            time.sleep(0.2)
        os.killpg(process.pid, number)
        text, _ = process.communicate(timeout=240)
    finally:
        process.kill()
    assert process.returncode == 0, text[-2000:]
    assert "Interrupted at step" in text
    with pytest.raises(ProcessLookupError):  # nobody of the job is left
        os.killpg(process.pid, 0)


def test_a_refused_upload_is_told_before_the_first_step(environment, expression_folder, tmp_path, hub):
    environment = {name: value for name, value in environment.items() if name != "HF_HUB_OFFLINE"}
    environment |= {"HF_ENDPOINT": hub.url, "HF_TOKEN": "hf_wrong"}
    flags = ["--push_to_hub", "--hub_model_id", "lab/faces", "--report_to", "none"]
    result = launch(environment, expression_folder, tmp_path / "run", *flags)
    assert result.returncode == 1
    assert "error: Cannot upload to lab/faces" in result.stderr
    assert "hf auth login" in result.stderr
    assert not list(tmp_path.glob("run/checkpoint-*"))


def test_kills_a_full_disk_and_two_runs_on_a_folder_lose_nothing(environment, expression_folder, tmp_path):
    """The short form of the soak: see there for what is checked."""
    command = [sys.executable, str(ROOT / "benchmarks" / "training_soak.py"), "--kills", "2"]
    command += ["--train_data_dir", str(expression_folder), "--work_dir", str(tmp_path)]
    result = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=900)
    assert result.returncode == 0, result.stdout[-500:] + result.stderr[-2000:]
    assert "equals the peaceful run's bit for bit" in result.stdout


def test_a_wrong_flag_value_is_one_sentence(environment, expression_folder, tmp_path):
    result = launch(environment, expression_folder, tmp_path / "run", "--resolution", "100")
    assert result.returncode == 1
    assert result.stderr.strip() == "error: resolution must be a multiple of 16; got 100."


def test_dry_run_prints_the_plan_and_writes_nothing(environment, expression_folder, tmp_path):
    result = launch(environment, expression_folder, tmp_path / "run", "--dry_run", "--max_train_steps", "1000")
    assert result.returncode == 0, result.stderr[-2000:]
    assert "Expressions afraid 4, angry 4" in result.stdout
    assert "1000 steps: about" in result.stdout
    assert not (tmp_path / "run").exists()
