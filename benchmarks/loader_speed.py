"""How fast training data is prepared, and what the start of a long stream costs.

    python benchmarks/loader_speed.py                       # samples per second of CPU time, one core
    python benchmarks/loader_speed.py --profile motion      # where that time goes
    python benchmarks/loader_speed.py --rows 200000 1000000 # seconds and memory until a stream can be trained on

The set is made up: smooth noise in 160 x 160 JPEG, seven classes, with true motion. `--stylise` and `--caricature` are those
of training. A stream has more pictures than a process keeps decoded, and is measured over about a pass, reading included.
"""

import argparse
import cProfile
import io
import itertools
import json
import os
import pstats
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import cv2
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from accelerate import Accelerator
from datasets import ClassLabel, Features, Image, Value

from sargan_hf.data.pair_flow import encode_motion
from sargan_hf.expressions import EXPRESSIONS
from sargan_hf.training import TrainingConfig
from sargan_hf.training.freed_memory import keep_freed_memory
from sargan_hf.training.setup_data import prepare_data

SIDE, SHARDS = 160, 16
PEOPLE, STREAMED_PEOPLE = 40, 160
KINDS = ("plain", "streamed plain", "motion", "streamed motion")


def smooth(rng: np.random.Generator, channels: int, strength: float) -> np.ndarray:
    """Noise without detail, [SIDE, SIDE, channels] in +- strength."""
    coarse = rng.uniform(-strength, strength, (8, 8, channels)).astype(np.float32)
    return cv2.resize(coarse, (SIDE, SIDE), interpolation=cv2.INTER_CUBIC).reshape(SIDE, SIDE, channels)


def made_up(people: int) -> Iterator[dict]:
    """Rows of so many people in seven expressions."""
    rng = np.random.default_rng(0)
    valid = np.ones((SIDE, SIDE), bool)
    for person in range(people):
        for index, expression in enumerate(EXPRESSIONS):
            picture = np.clip(128 + smooth(rng, 3, 120) + rng.normal(0, 6, (SIDE, SIDE, 3)), 0, 255).astype(np.uint8)
            still = expression == "neutral"
            fields = [np.zeros((SIDE, SIDE, 2), np.float32) if still else smooth(rng, 2, 4) for _ in range(2)]
            yield {
                "image": {"bytes": cv2.imencode(".jpg", picture)[1].tobytes(), "path": None},
                "expression": index,
                "subject": f"person {person}",
                "pair": f"pair {person}",
                "motion_backward": encode_motion(fields[0], valid),
                "motion_forward": encode_motion(fields[1]),
            }


FEATURES = Features(
    {
        "image": Image(),
        "expression": ClassLabel(names=list(EXPRESSIONS)),
        "subject": Value("string"),
        "pair": Value("string"),
    }
)
WITH_MOTION = Features(FEATURES | {name: Value("binary") for name in ("motion_backward", "motion_forward")})


def write_set(folder: Path, people: int) -> Path:
    folder.mkdir()
    table = pa.Table.from_pylist(list(made_up(people)), schema=WITH_MOTION.arrow_schema)
    for shard in range(4):
        part = table.slice(shard * len(table) // 4, len(table) // 4)
        pq.write_table(part, folder / f"train-{shard:05}-of-00004.parquet", row_group_size=256)
    return folder


def write_long_set(folder: Path, rows: int) -> Path:
    """Many rows with one tiny picture, which costs little to make and as much to count as any."""
    folder.mkdir()
    buffer = io.BytesIO(cv2.imencode(".png", np.full((16, 16, 3), 90, np.uint8))[1].tobytes())
    each = rows // SHARDS
    picture = pa.scalar({"bytes": buffer.getvalue(), "path": None}, FEATURES.arrow_schema.field("image").type)
    for shard in range(SHARDS):
        people = [f"person {(shard * each + row) // 7}" for row in range(each)]
        columns = [
            pa.repeat(picture, each),
            pa.array([row % 7 for row in range(each)]),
            pa.array(people),
            pa.array(people),
        ]
        table = pa.Table.from_arrays(columns, schema=FEATURES.arrow_schema)
        pq.write_table(table, folder / f"train-{shard:05}-of-{SHARDS:05}.parquet", row_group_size=1000)
    return folder


def settings(folder: Path, given: argparse.Namespace, **changes) -> TrainingConfig:
    shared = {"train_data_dir": str(folder), "report_to": "none", "held_out": 0.1, "stylise": given.stylise}
    return TrainingConfig(**shared, caricature=given.caricature, **changes)


def makers(folder: Path, given: argparse.Namespace) -> dict[str, Callable[[int], None]]:
    """For each kind of set that is asked for, what makes so many samples."""
    accelerator = Accelerator(cpu=True)
    sets: dict[int, Path] = {}
    found: dict[str, Callable[[int], None]] = {}
    for kind in given.kinds:
        streaming, people = kind.startswith("streamed"), STREAMED_PEOPLE if kind.startswith("streamed") else PEOPLE
        if people not in sets:
            sets[people] = write_set(folder / f"{people} people", people)
        changes = {"streaming": streaming} | ({"motion": True} if kind.endswith("motion") else {})
        samples = prepare_data(settings(sets[people], given, **changes), accelerator).samples
        if streaming:
            endless = iter(samples.loader_kwargs(0, 1, 0, 1)["dataset"])
            found[kind] = lambda count, endless=endless: list(itertools.islice(endless, count))
        else:
            found[kind] = lambda count, samples=samples: [samples[index] for index in range(count)]
    return found


def start_up(folder: Path, given: argparse.Namespace) -> None:
    """Prints seconds and MB that it takes until a stream can be trained on."""
    before, began = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.perf_counter()
    data = prepare_data(settings(folder, given, streaming=True, dataloader_num_workers=0), Accelerator(cpu=True))
    next(iter(data.samples.loader_kwargs(0, 1, 0, 1)["dataset"]))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    print(json.dumps({"seconds": time.perf_counter() - began, "mb": (peak - before) / 1024}))


def measure_start(folder: Path, given: argparse.Namespace) -> None:
    found = {}
    for rows in given.rows:
        made = write_long_set(folder / f"rows-{rows}", rows)
        command = [sys.executable, __file__, "--start-of", str(made)]
        output = subprocess.run(command, check=True, capture_output=True, text=True, env=os.environ).stdout
        found[rows] = json.loads(output.splitlines()[-1])
        print(
            f"{rows:,} rows: {found[rows]['seconds']:.1f} s and {found[rows]['mb']:.0f} MB to the first sample",
            flush=True,
        )
    if len(found) > 1:
        (few, first), (many, last) = min(found.items()), max(found.items())
        for unit in ("seconds", "mb"):
            slope = (last[unit] - first[unit]) / (many - few) * 1e6
            print(f"slope: {slope:.2f} {unit} for each million rows more")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--samples", type=int, default=1000)
    parser.add_argument("--stylise", type=float, default=1.0)
    parser.add_argument("--caricature", type=float, default=0.0)
    parser.add_argument("--kinds", nargs="+", choices=KINDS, default=KINDS)
    parser.add_argument("--profile", choices=KINDS)
    parser.add_argument("--rows", type=int, nargs="+", default=[])
    parser.add_argument("--start-of", type=Path, help=argparse.SUPPRESS)
    given = parser.parse_args()
    cv2.setNumThreads(1)
    if given.start_of:
        start_up(given.start_of, given)
        return
    with tempfile.TemporaryDirectory() as folder:
        if given.rows:
            measure_start(Path(folder), given)
            return
        keep_freed_memory()  # as the processes of a loader do
        if given.profile:
            given.kinds = [given.profile]
        for name, make in makers(Path(folder), given).items():
            make(20)
            if given.profile:
                with cProfile.Profile() as profile:
                    make(given.samples)
                pstats.Stats(profile).sort_stats("tottime").print_stats(30)
                return
            began = time.process_time()
            make(given.samples)
            print(f"{name}: {given.samples / (time.process_time() - began):.0f} samples per CPU second", flush=True)


if __name__ == "__main__":
    main()
