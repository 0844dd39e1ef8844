"""Hashes of what must not change when code is only moved.

    python tools/fingerprint.py > before.txt     (move things)     python tools/fingerprint.py | diff before.txt -

Twelve edits in every mode of transfer, with and without the mouth refiner's condition, intensities and regions; a rig set of
two people with motion; and one training step of each objective. Runs on one thread, so the sums are added in one order.
"""

import hashlib
import os
import sys
import tempfile
from pathlib import Path

os.environ["OMP_NUM_THREADS"] = "1"

import cv2
import numpy as np
import torch

ROOT = Path(__file__).resolve().parents[1]
PICTURES = ("photos/grace-hopper.jpg", "statues/bronze.jpg", "avatars/avatar-girl.jpg")
ASSETS = Path(os.environ.get("SARGAN_ASSETS", ROOT.parent / "shared" / "data"))


def digest(*arrays: np.ndarray) -> str:
    """The first 16 hexadecimal digits of the SHA-256 of the arrays' bytes."""
    hashed = hashlib.sha256()
    for array in arrays:
        hashed.update(np.ascontiguousarray(array).tobytes())
    return hashed.hexdigest()[:16]


def edits() -> None:
    from sargan_hf import SARGANPipeline

    pipe = SARGANPipeline.from_pretrained(str(ROOT / "weights" / "sargan-motion-128"))
    requests = [
        {"expression": "happy"},
        {"expression": {"surprised": 0.6, "afraid": 0.4}, "intensity": 0.7},
        {"expression": "angry", "intensity": 1.3, "region": "mouth"},
        {"expression": "disgusted", "faces": "all"},
    ]
    for picture in PICTURES:
        for request in requests:
            for transfer in ("motion", "residual", "paste"):
                image = pipe(ROOT / "examples" / picture, transfer=transfer, **request).images[0]
                print("edit", picture, *request.values(), transfer, digest(np.asarray(image)))


def rig(folder: Path) -> None:
    import shutil
    import subprocess

    portraits = folder / "portraits"
    portraits.mkdir()
    for name in ("london_001", "london_002"):
        for suffix in (".jpg", ".csv"):
            shutil.copy(ASSETS / "portraits" / "neutral" / f"{name}{suffix}", portraits)
    command = [
        sys.executable,
        "-m",
        "sargan_hf.cli",
        "rig",
        str(portraits),
        "--output",
        str(folder / "set"),
        "--motion",
    ]
    subprocess.run([*command, "--workers", "1", "--seed", "1"], check=True, capture_output=True, cwd=ROOT)
    from datasets import Image, load_dataset

    rows = load_dataset("parquet", data_files=sorted(map(str, (folder / "set").rglob("*.parquet"))), split="train")
    rows = rows.cast_column("image", Image(decode=False))
    for column in rows.column_names:
        values = [repr(value).encode() for value in rows[column]]
        print("rig", column, len(values), hashlib.sha256(b"".join(values)).hexdigest()[:16])


def training(folder: Path) -> None:
    import subprocess

    from safetensors.numpy import load_file

    for objective in ("fast", "paper"):
        output = folder / objective
        command = [sys.executable, str(ROOT / "train_accelerate.py"), "--train_data_dir", str(folder / "set")]
        command += ["--output_dir", str(output), "--objective", objective, "--motion", "--resolution", "64"]
        command += [
            "--base_channels",
            "8",
            "--max_train_steps",
            "5",
            "--train_batch_size",
            "2",
            "--checkpointing_steps",
            "5",
        ]
        command += ["--report_to", "none", "--dataloader_num_workers", "0", "--held_out", "0"]
        run = subprocess.run(command, capture_output=True, text=True, cwd=ROOT)
        if run.returncode:
            sys.exit(run.stderr[-3000:])
        for file in sorted((output / "checkpoint-00000005").glob("*.safetensors")):
            weights = load_file(file)
            print("training", objective, file.stem, digest(*(weights[name] for name in sorted(weights))))


def main() -> None:
    cv2.setNumThreads(1)
    torch.set_num_threads(1)
    edits()
    with tempfile.TemporaryDirectory() as folder:
        os.environ["HF_DATASETS_CACHE"] = str(Path(folder) / "cache")
        rig(Path(folder))
        training(Path(folder))


if __name__ == "__main__":
    main()
