"""The paper's three claims at small size on open data: attention, the ultimate skip, one block instead of six.

    python benchmarks/paper_claims.py run FOLDER --work-dir runs/claims
    python benchmarks/paper_claims.py write --work-dir runs/claims

`run` trains the network as published and three that lack or change one thing, with both objectives and several seeds, each
by `train_accelerate.py` in a process of its own, at 64 pixels and half width. FOLDER is a set made by `sargan rig`. `write`
fills the tables of docs/claims.md and makes its picture from the finished runs.

All runs of one objective get the same time, not the same number of steps: six blocks that take twice as long may take half as
many. The time is the processor's, of one thread, so that another load on the machine and the number of its cores do not
count. Seconds per step are measured once, by turns between the variants (`calibration.json`), and every seed uses them.

A finished run leaves a JSON file and is skipped from then on; an interrupted one starts again from its beginning.
"""

import itertools
import json
import os
import resource
import shutil
import statistics
import subprocess
import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import torch
import typer
from _timing import seconds_of
from claims_measuring import HeldOutFaces, Judges, contact_sheet, edited, example_faces
from training_speed import make_trainer, random_batches, settings

from sargan_hf import SARGAN
from sargan_hf.training.trainer import to_device

ROOT = Path(__file__).parents[1]
PAGE, SHEET = ROOT / "docs/claims.md", ROOT / "docs/pictures/claims.jpg"
EXAMPLES = (
    ROOT / "examples/photos/grace-hopper.jpg",
    ROOT / "examples/avatars/avatar-girl.jpg",
)  # neutral, as trained from

VARIANTS: dict[str, dict] = {
    "as published": {},
    "no attention": {"attention": False},
    "no ultimate skip": {"ultimate_skip": False},
    "six blocks": {"num_blocks": 6},
}
SHARED = {
    "resolution": 64,
    "base_channels": 32,
    "motion": False,
    "stylise": 0.0,
    "occluders": 0.0,
    "held_out": 0.12,
    "dataloader_num_workers": 0,  # the loader counts as well, and in the same process
}
# What differs from the presets, for something to be learned within minutes.
OBJECTIVES: dict[str, dict] = {
    # As the first stage of the released sargan-128, without an adversary; measured from neutral, so trained from there.
    "fast": {
        "train_batch_size": 8,
        "learning_rate": 1e-3,
        "warmup_steps": 50,
        "adversarial_start": 10**6,
        "neutral_source": 1.0,
    },
    # Half the width, and a reduction fewer because the picture is half as large. With equal weights the discriminator
    # did not begin to tell expressions apart in 600 steps.
    "paper": {
        # The preset has followed the authors' code since; the runs of docs/claims.md were made without.
        "decay_fraction": 0.0,
        "geometry": 1.0,
        "targets": "uniform",
        "zero_output": True,
        "train_batch_size": 4,
        "discriminator_channels": 32,
        "discriminator_layers": 5,
        "learning_rate": 2e-4,
        "discriminator_learning_rate": 5e-4,
        "expression_weight": 10.0,
        "cycle_weight": 10.0,
    },
}
# Heading, key, format.
COLUMNS = (
    ("top-1", "top1", ".3f"),
    ("probability", "probability", ".3f"),
    ("identity", "identity", ".3f"),
    ("nearest own", "nearest_own", ".3f"),
    ("colour shift", "colour_shift", ".2f"),
    ("sharpness", "sharpness", ".2f"),
    ("error", "error", ".3f"),
)


class Objective(StrEnum):
    fast = "fast"
    paper = "paper"


app = typer.Typer(help=__doc__, rich_markup_mode=None, add_completion=False)


@app.command()
def run(
    data: Annotated[Path, typer.Argument(help="Set made by `sargan rig`.")],
    work_dir: Annotated[Path, typer.Option(help="Where runs and their figures are kept.")] = Path("runs/claims"),
    budget: Annotated[float, typer.Option(help="CPU seconds of training steps, each run of `fast`.")] = 200,
    paper_budget: Annotated[float, typer.Option(help="The same, each run of `paper`.")] = 300,
    seeds: Annotated[int, typer.Option(help="Runs of each variant.")] = 3,
    first_seed: Annotated[int, typer.Option(help="Where the seeds begin: two processes may share them.")] = 0,
    objective: Annotated[list[Objective] | None, typer.Option(help="Only this one; repeatable.")] = None,
) -> None:
    """Train and measure whatever is not finished yet; print the tables after each run.

    CPU time with one thread is what is equal between variants: wall-clock time would count whatever else the machine does,
    and steps would give the larger networks more time.
    """
    torch.set_num_threads(1)
    work_dir.mkdir(parents=True, exist_ok=True)
    judges, held_out = Judges(), {}
    wanted = [each.value for each in objective or Objective]
    for name, seed, variant in itertools.product(wanted, range(first_seed, first_seed + seeds), VARIANTS):
        file, seconds = result_file(work_dir, name, variant, seed), paper_budget if name == "paper" else budget
        if file.exists():
            refuse_another_budget(file, seconds)
            continue
        steps = max(1, round(seconds / calibrated(work_dir, name)[variant]))
        if seed not in held_out:
            faces = HeldOutFaces.load(str(data), SHARED["held_out"], seed, SHARED["resolution"], judges)
            held_out[seed] = faces, faces.references(judges)
        faces, references = held_out[seed]
        result = train_and_measure(data, work_dir, name, variant, seed, steps, faces, judges)
        write_json(file, result | {"budget": seconds, "references": references})
        print(tables(finished(work_dir)), flush=True)


@app.command()
def write(
    work_dir: Annotated[Path, typer.Option(help="That of `run`.")] = Path("runs/claims"),
    page: Annotated[Path, typer.Option(help="Page whose tables to fill.")] = PAGE,
    sheet: Annotated[Path, typer.Option(help="Picture to write.")] = SHEET,
) -> None:
    """Fill the tables of docs/claims.md from the finished runs, and make its picture from those of seed 0."""
    results = finished(work_dir)
    if not results:
        raise typer.BadParameter(f"{work_dir} holds no finished run: start with `run`.")
    page.write_text(with_tables(page.read_text(encoding="utf-8"), tables(results)), encoding="utf-8")
    models = {
        f"{each['objective']}, {each['variant']}": run_folder(work_dir, each["objective"], each["variant"], 0)
        for each in results
        if each["seed"] == 0
    }
    contact_sheet(models, example_faces(EXAMPLES, SHARED["resolution"])).save(sheet, quality=88)


def train_and_measure(
    data: Path,
    work_dir: Path,
    objective: str,
    variant: str,
    seed: int,
    steps: int,
    held_out: HeldOutFaces,
    judges: Judges,
) -> dict:
    """One run from its first step to its figures, JSON-ready."""
    folder = run_folder(work_dir, objective, variant, seed)
    shutil.rmtree(folder, ignore_errors=True)
    changes = SHARED | OBJECTIVES[objective] | VARIANTS[variant]
    run_only = {"max_train_steps": steps, "seed": seed, "checkpointing_steps": steps, "validation_steps": steps}
    flags = {"objective": objective, "train_data_dir": data, "output_dir": folder, "report_to": "none"}
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    train(changes | run_only | flags, folder.with_suffix(".log"))
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    model = SARGAN.from_pretrained(folder).eval()
    return {
        "objective": objective,
        "variant": variant,
        "seed": seed,
        "steps": steps,
        "process_cpu_seconds": after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime,
        "parameters": sum(each.numel() for each in model.parameters()),
        "settings": changes,
        "people": len(set(held_out.subjects)),
        "faces": len(held_out.subjects),
        "figures": held_out.figures(edited(model, held_out.sources), judges),
    }


def train(flags: dict, log: Path) -> None:
    """Runs `train_accelerate.py` on one thread; its output goes to `log`."""
    command = [sys.executable, str(ROOT / "train_accelerate.py")]
    for name, value in flags.items():
        command += [f"--{'' if value else 'no-'}{name}"] if isinstance(value, bool) else [f"--{name}", str(value)]
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    with log.open("w") as output:
        done = subprocess.run(command, env=environment, stdout=output, stderr=subprocess.STDOUT)
    if done.returncode:
        raise SystemExit(f"A training run failed; {log} says why.")


def calibrated(work_dir: Path, objective: str) -> dict[str, float]:
    """CPU seconds per step of every variant, measured at the first call and read from `work_dir` later."""
    file = work_dir / "calibration.json"
    known = json.loads(file.read_text()) if file.exists() else {}
    if objective not in known:
        known[objective] = seconds_per_step(objective)
        write_json(file, known)
    return known[objective]


def seconds_per_step(objective: str, rounds: int = 5) -> dict[str, float]:
    """Medians over rounds of eight steps (one lazy penalty) or one critic cycle, by turns between the variants."""
    sides, cycle = {}, 5 if objective == "paper" else 8
    for variant, changes in VARIANTS.items():
        config = settings(objective, **SHARED | OBJECTIVES[objective] | changes)
        batches = random_batches(cycle, config.train_batch_size, config.resolution, paired=objective == "fast")
        ready = [to_device(batch, torch.device("cpu")) for batch in batches]
        trainer = make_trainer(config)
        sides[variant] = lambda trainer=trainer, ready=ready: [
            trainer.update([batch], step) for step, batch in enumerate(ready)
        ]
        sides[variant]()  # pays for memory and kernels being set up
    taken = {variant: [] for variant in sides}
    for _ in range(rounds):
        for variant, action in sides.items():
            taken[variant].append(seconds_of(action) / cycle)
    return {variant: statistics.median(seconds) for variant, seconds in taken.items()}


def refuse_another_budget(file: Path, seconds: float) -> None:
    """What stands in one table has had the same time."""
    had = json.loads(file.read_text(encoding="utf-8"))["budget"]
    if had != seconds:
        raise typer.BadParameter(f"{file.stem} was made with {had} seconds, not {seconds}: choose another --work-dir.")


def run_folder(work_dir: Path, objective: str, variant: str, seed: int) -> Path:
    return work_dir / f"{objective}-{variant.replace(' ', '-')}-{seed}"


def result_file(work_dir: Path, objective: str, variant: str, seed: int) -> Path:
    return run_folder(work_dir, objective, variant, seed).with_suffix(".json")


def write_json(path: Path, content: dict) -> None:
    """Complete or not there at all, also when killed."""
    partial = path.with_suffix(".partial")
    partial.write_text(json.dumps(content, indent=1), encoding="utf-8")
    partial.replace(path)


def finished(work_dir: Path) -> list[dict]:
    """Results by objective, variant and seed, in the order of the tables."""
    results = [json.loads(file.read_text(encoding="utf-8")) for file in work_dir.glob("*-*.json")]
    objectives, variants = list(OBJECTIVES), list(VARIANTS)
    return sorted(results, key=lambda r: (objectives.index(r["objective"]), variants.index(r["variant"]), r["seed"]))


def tables(results: list[dict]) -> str:
    """A table of both objectives' figures, mean ± spread over seeds, and one of the differences to "as published"."""
    heading = ["objective", "network", "seeds", "steps", *(title for title, _, _ in COLUMNS)]
    rows, differences = [], []
    for objective in OBJECTIVES:
        for variant in VARIANTS:
            runs = [each for each in results if (each["objective"], each["variant"]) == (objective, variant)]
            if not runs:
                continue
            figures = [each["figures"] for each in runs]
            rows.append([objective, variant, len(runs), runs[0]["steps"], *spreads(figures)])
            pairs = [(each, base) for each in runs if (base := partner(each, results))]
            if variant != "as published" and pairs:
                apart = [{k: a["figures"][k] - b["figures"][k] for k in a["figures"]} for a, b in pairs]
                differences.append([objective, variant, len(pairs), *spreads(apart, sign="+")])
    for name in results[0]["references"] if results else ():
        by_seed = {each["seed"]: each["references"][name] for each in results}
        rows.append(["", name, len(by_seed), "", *spreads(list(by_seed.values()))])
    return f"{markdown(heading, rows)}\n{markdown(heading[:3] + heading[4:], differences)}"


def partner(result: dict, results: list[dict]) -> dict | None:
    """The run as published with the objective and seed of `result`."""
    wanted = result["objective"], "as published", result["seed"]
    return next((each for each in results if (each["objective"], each["variant"], each["seed"]) == wanted), None)


def spreads(figures: list[dict[str, float]], sign: str = "") -> list[str]:
    """One cell for each column: the mean and, from two seeds on, the standard deviation."""
    cells = []
    for _, key, form in COLUMNS:
        values = [each[key] for each in figures]
        cell = format(statistics.mean(values), sign + form)
        cells.append(f"{cell} ± {statistics.stdev(values):{form}}" if len(values) > 1 else cell)
    return cells


def markdown(heading: list[str], rows: list[list]) -> str:
    lines = [heading, ["---"] * len(heading), *rows]
    return "".join("| " + " | ".join(str(cell) for cell in line) + " |\n" for line in lines)


def with_tables(page: str, content: str) -> str:
    start, end = "<!-- tables -->\n", "<!-- end of tables -->\n"
    before, rest = page.split(start)
    return before + start + content + end + rest.split(end)[1]


if __name__ == "__main__":
    app()
