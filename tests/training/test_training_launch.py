"""The launch files of docs/launch and the settings table of docs/training.md."""

import csv
import os
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from safetensors.torch import load_file

pytestmark = pytest.mark.launch

ROOT = Path(__file__).resolve().parents[2]
LAUNCH = ROOT / "docs" / "launch"
FLAGS = """
    --base_channels 4 --motion --resolution 32 --discriminator_channels 4 --discriminator_layers 3 --held_out 0
    --dataloader_num_workers 0 --decay_fraction 0 --report_to none --train_batch_size 2 --max_train_steps 2
""".split()


@pytest.fixture
def environment(tmp_path) -> dict[str, str]:
    settings = {"HF_HOME": str(tmp_path / "hf"), "OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1"}
    return os.environ | settings | {"ACCELERATE_USE_CPU": "true"}


def accelerate(file: str, *launcher: str) -> list[str]:
    launch = [sys.executable, "-m", "accelerate.commands.launch", "--config_file", str(LAUNCH / file)]
    return [*launch, *launcher, str(ROOT / "train_accelerate.py")]


def run_together(commands: list[list[str]], environment: dict[str, str]) -> list[str]:
    """Starts all, waits for all; returns what each wrote."""
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}
    processes = [subprocess.Popen(command, env=environment, cwd=ROOT, **pipes) for command in commands]
    texts = [process.communicate(timeout=600)[0] for process in processes]
    for process, text in zip(processes, texts, strict=True):
        assert process.returncode == 0, text[-3000:]
    return texts


def free_port() -> str:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return str(listener.getsockname()[1])


@pytest.mark.parametrize("file", ["cpu.yaml", "one_gpu.yaml"])
def test_files_of_one_process_train(file, environment, expression_folder, tmp_path):
    data = ["--train_data_dir", str(expression_folder), "--output_dir", str(tmp_path / "run")]
    run_together([[*accelerate(file), *data, *FLAGS]], environment)
    assert (tmp_path / "run" / "checkpoint-00000002").is_dir()


@pytest.fixture
def mixed_folder(expression_folder, tmp_path):
    """Half of the people in pairs, so that processes draw different kinds of pictures in the same step."""
    folder = tmp_path / "mixed"
    shutil.copytree(expression_folder, folder)
    rows = list(csv.DictReader((folder / "metadata.csv").open(encoding="utf-8")))
    people = sorted({row["subject"] for row in rows})
    with (folder / "metadata.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(row | {"pair": row["pair"] * (people.index(row["subject"]) % 2)} for row in rows)
    return folder


def test_two_machines_train_what_one_machine_with_two_processes_does(environment, mixed_folder, tmp_path):
    def train(run: str) -> list[str]:
        flags = [*FLAGS, "--train_batch_size", "1", "--logging_steps", "1"]
        return ["--train_data_dir", str(mixed_folder), "--output_dir", str(tmp_path / run), *flags]

    run_together([[*accelerate("several_gpus.yaml", "--num_processes=2"), *train("processes")]], environment)
    shared = ["--num_processes=2", f"--main_process_port={free_port()}"]
    machines = [accelerate("several_nodes.yaml", f"--machine_rank={rank}", *shared) for rank in (0, 1)]
    run_together([[*machine, *train("machines")] for machine in machines], environment)
    for name in ("generator", "discriminator", "ema"):
        one, two = (
            load_file(tmp_path / run / "checkpoint-00000002" / f"{name}.safetensors")
            for run in ("processes", "machines")
        )
        assert max((one[key] - two[key]).abs().max() for key in one) < 1e-6


SRUN = """#!/bin/bash
for rank in $(seq 0 $((SLURM_NTASKS - 1))); do SLURM_PROCID=$rank SLURM_LOCALID=$rank "$@" & tasks+=($!); done
for task in "${tasks[@]}"; do wait "$task" || exit 1; done
"""
SCONTROL = """#!/bin/bash
if [ "$1" = show ]; then echo 127.0.0.1; else echo "$@" >> "$REQUEUED"; fi
"""


def test_the_slurm_script_trains_and_queues_itself_until_it_is_done(environment, expression_folder, tmp_path):
    """With stand-ins for SLURM's own two commands; the processes and what they say to each other are real."""
    for name, text in (("srun", SRUN), ("scontrol", SCONTROL)):
        program = tmp_path / "bin" / name
        program.parent.mkdir(exist_ok=True)
        program.write_text(text)
        program.chmod(0o755)
    environment = environment | {
        "PATH": f"{tmp_path / 'bin'}:{Path(sys.executable).parent}:{os.environ['PATH']}",
        "DATA": str(expression_folder),
        "RUN": str(tmp_path / "run"),
        "STEPS": "2",
        "FLAGS": " ".join(FLAGS),
        "SLURM_NTASKS": "2",
        "SLURM_JOB_ID": free_port(),
        "SLURM_JOB_NODELIST": "here",
        "REQUEUED": str(tmp_path / "requeued"),
    }
    run_together([["bash", str(LAUNCH / "train.slurm")]], environment)
    assert (tmp_path / "run" / "checkpoint-00000002").is_dir()
    assert not (tmp_path / "requeued").exists()
    run_together([["bash", str(LAUNCH / "train.slurm")]], environment | {"STEPS": "3"})
    assert (tmp_path / "requeued").read_text().startswith("requeue")


def test_the_settings_table_is_that_of_the_code():
    page = ROOT / "docs" / "training.md"
    code = "import sys; sys.path.insert(0, 'tools'); import make_training_table as m; print(m.settings_table(), end='')"
    table = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert table.count("\n") > 40
    assert table in page.read_text(encoding="utf-8")
