"""Training under fire: kill -9 at random moments, a full disk, two runs on one folder, a loss that explodes.

    python benchmarks/training_soak.py --train_data_dir DATA --work_dir /tmp/soak --kills 30
    python benchmarks/training_soak.py --train_data_dir DATA --work_dir /tmp/stream --kills 3 --streaming

Real processes of `train_accelerate.py` with a tiny network. After every blow the newest complete checkpoint must be whole
and not older than before; at the end the weights, averages and optimisers must equal those of a run left in peace, bit for
bit. With `--streaming` the same data is streamed, one picture in a hundred is cut off, and only the kills are done. Stops
with an AssertionError that says what broke.
"""

import argparse
import os
import random
import resource
import signal
import subprocess
import sys
import time
from pathlib import Path

import torch
from datasets import Image

from sargan_hf.data.loading import load_expression_dataset
from sargan_hf.training.checkpoints import find_checkpoint, load_checkpoint

SCRIPT = Path(__file__).resolve().parent.parent / "train_accelerate.py"
# One worker and an epoch of a few steps: every resume lands in the middle of an epoch that a worker prepares.
FLAGS = """
    --base_channels 4 --motion --resolution 32 --discriminator_channels 4 --discriminator_layers 3 --train_batch_size 2
    --dataloader_num_workers 1 --held_out 0 --checkpointing_steps 1 --report_to none --decay_fraction 0
    --resume_from_checkpoint latest
""".split()
STEPS_A_KILL = 20
ONE_IN = 100  # pictures of a stream is damaged
STREAMED_ROWS = 3000


def damaged_stream(data: Path, folder: Path) -> Path:
    """Three shards with the pictures of `data` again and again, one in a hundred of them cut off in the middle."""
    rows = load_expression_dataset(data).cast_column("image", Image(decode=False))
    rows = rows.select_columns(["image", "expression", "subject", "pair"])
    rows = rows.select([index % len(rows) for index in range(STREAMED_ROWS)])
    folder.mkdir(parents=True)
    cells = list(rows["image"])
    contents = [cell["bytes"] or Path(cell["path"]).read_bytes() for cell in cells]
    cut = [each[: len(each) // 3] if index % ONE_IN == ONE_IN // 2 else each for index, each in enumerate(contents)]
    pictures = [{"bytes": content, "path": None} for content in cut]
    rows = rows.remove_columns("image").add_column("image", pictures).cast_column("image", Image(decode=False))
    for shard in range(3):
        rows.shard(3, shard).to_parquet(folder / f"train-{shard:05}-of-00003.parquet")
    return folder


class Soak:
    """One folder that is trained in, and what happens to it."""

    def __init__(self, data: Path, folder: Path, kills: int, seed: int, streaming: bool):
        self.data = damaged_stream(data, folder / "stream") if streaming else data
        self.flags = [*FLAGS, "--streaming", "--no-motion"] if streaming else FLAGS
        self.folder, self.kills = folder, kills
        self.steps = (kills + 1) * STEPS_A_KILL
        self.random = random.Random(seed)

    def start(self, name: str, *flags: str, file_limit: int | None = None) -> subprocess.Popen:
        def limit() -> None:
            if file_limit:
                resource.setrlimit(resource.RLIMIT_FSIZE, (file_limit, file_limit))

        command = [sys.executable, str(SCRIPT), "--train_data_dir", str(self.data), *self.flags]
        command += ["--output_dir", str(self.folder / name), "--max_train_steps", str(self.steps), *flags]
        return subprocess.Popen(
            command,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env=self._environment(),
            preexec_fn=limit,
        )

    def _environment(self) -> dict[str, str]:
        return os.environ | {"HF_HOME": str(self.folder / "cache"), "HF_HUB_OFFLINE": "1", "OMP_NUM_THREADS": "1"}

    def reached(self, name: str = "beaten") -> int:
        """The step of the newest complete checkpoint, 0 where there is none."""
        newest = find_checkpoint(self.folder / name, "latest")
        return int(newest.name.removeprefix("checkpoint-")) if newest else 0

    def train_in_peace(self, name: str) -> str:
        return expect_end(self.start(name), 0)

    def kill(self) -> tuple[int, bool]:
        """One run that is killed; returns the step it had reached and whether it was in the middle of a checkpoint."""
        before = self.reached()
        process = self.start("beaten")
        if self.random.random() < 0.2:
            time.sleep(self.random.uniform(0, 10))  # while it imports, reads the data or resumes
        else:
            wait_for(lambda: newest_name(self.folder / "beaten") > before or process.poll() is not None)
            time.sleep(self.random.uniform(0, 0.5))
        process.send_signal(signal.SIGKILL)
        process.communicate()
        after = self.reached()
        assert after >= before, f"The run had reached step {before}; after the kill it is back at {after}."
        return after, bool(list((self.folder / "beaten").glob(".partial-*")))

    def fill_the_disk(self) -> None:
        """No file can grow beyond a third of what the optimisers need: checkpoints stop in the middle of a file."""
        before = self.reached()
        size = (find_checkpoint(self.folder / "beaten", "latest") / "optimizers.pt").stat().st_size
        text = expect_end(self.start("beaten", file_limit=size // 3), 1)
        assert "could not be written" in text, text[-2000:]
        assert "--resume_from_checkpoint latest" in text, text[-2000:]
        assert self.reached() == before
        assert not list((self.folder / "beaten").glob(".partial-*")), "A broken checkpoint was left behind."

    def run_twice(self) -> None:
        """A second run on the folder is refused; the first one does not notice. It is stopped with Ctrl-C then."""
        before = self.reached()
        first = self.start("beaten")
        wait_for(lambda: newest_name(self.folder / "beaten") > before or first.poll() is not None)
        assert first.poll() is None, "The first run was over before the second one started: use more kills."
        first.send_signal(signal.SIGSTOP)  # so that it is still there, however long the second one takes
        text = expect_end(self.start("beaten"), 1)
        assert "Another run is training" in text, text[-2000:]
        first.send_signal(signal.SIGCONT)
        first.send_signal(signal.SIGINT)
        assert "Interrupted at step" in expect_end(first, 0)
        assert self.reached() > before

    def explode(self) -> None:
        """A learning rate that makes the loss infinite: told in a sentence, nothing of it in a checkpoint of its own."""
        before = self.reached()
        text = expect_end(self.start("beaten", "--learning_rate", "1e36", "--checkpointing_steps", "100000"), 1)
        assert "became" in text, text[-2000:]
        assert "Resume from the last checkpoint" in text, text[-2000:]
        assert self.reached() == before

    def compare(self) -> None:
        beaten, peaceful = (load_checkpoint(find_checkpoint(self.folder / n, "latest")) for n in ("beaten", "peaceful"))
        assert self.reached("beaten") == self.reached("peaceful") == self.steps
        for what, a, b in zip(("networks", "optimisers"), beaten[:2], peaceful[:2], strict=True):
            differing = [name for name in set(flat(a)) | set(flat(b)) if not same(flat(a).get(name), flat(b).get(name))]
            assert not differing, f"{what} differ: {', '.join(sorted(differing)[:5])}"
        places, others = (checkpoint[2].get("stream") for checkpoint in (beaten, peaceful))
        assert places == others, f"The places in the stream differ: {places}, {others}"
        if places:
            assert places[0]["damaged"], "No damaged picture came: use more kills."
            print(f"{len(places[0]['damaged'])} damaged pictures were passed over in both runs")


def expect_end(process: subprocess.Popen, code: int) -> str:
    text, _ = process.communicate(timeout=1800)
    assert process.returncode == code, f"Ended with {process.returncode} instead of {code}:\n{text[-2000:]}"
    return text


def newest_name(folder: Path) -> int:
    return max((int(path.name.removeprefix("checkpoint-")) for path in folder.glob("checkpoint-*")), default=0)


def wait_for(condition, seconds: float = 600) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "Nothing happened for ten minutes."
        time.sleep(0.02)


def flat(tree, prefix: str = "") -> dict:
    """The leaves of nested dicts and lists by their path."""
    if not isinstance(tree, dict | list):
        return {prefix: tree}
    items = tree.items() if isinstance(tree, dict) else enumerate(tree)
    return {name: leaf for key, value in items for name, leaf in flat(value, f"{prefix}/{key}").items()}


def same(a, b) -> bool:
    return torch.equal(a, b) if isinstance(a, torch.Tensor) and isinstance(b, torch.Tensor) else a == b


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--train_data_dir", type=Path, required=True)
    parser.add_argument("--work_dir", type=Path, required=True, help="an empty folder")
    parser.add_argument("--kills", type=int, default=30)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--streaming", action="store_true")
    given = parser.parse_args()
    soak = Soak(given.train_data_dir, given.work_dir, given.kills, given.seed, given.streaming)

    in_checkpoints = 0
    for number in range(given.kills):
        step, in_checkpoint = soak.kill()
        in_checkpoints += in_checkpoint
        print(f"kill {number + 1}: whole at step {step}{', killed while writing' if in_checkpoint else ''}", flush=True)
    if not given.streaming:
        soak.run_twice()
        print("second run on the folder: refused", flush=True)
        soak.fill_the_disk()
        print("full disk: told, nothing lost", flush=True)
        soak.explode()
        print("exploding loss: told, nothing lost", flush=True)
    soak.train_in_peace("beaten")
    soak.train_in_peace("peaceful")
    soak.compare()
    print(
        f"{given.kills} kills, {in_checkpoints} of them while writing a checkpoint: "
        f"step {soak.steps} equals the peaceful run's bit for bit"
    )


if __name__ == "__main__":
    main()
