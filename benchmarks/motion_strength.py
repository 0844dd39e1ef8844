"""How large a model's motion is beside the exact one of the rig's pictures, at intensity 1.

    python benchmarks/motion_strength.py DATA --model weights/sargan-motion-128 [--part train] [--pairs 60]

DATA is a set made by `sargan rig --motion`. Prints the mean size of the exact motion over that of the model's, per
expression and over all; above 1, the model does too little. The factor of release/strengthen.py is to bring it to 1. Choose
it on people that the figures are not measured on (`--part train`; they are also easier for the model).
"""

import argparse
import random
from collections import defaultdict

import cv2
import numpy as np
import torch
from datasets import Dataset

from sargan_hf import SARGAN
from sargan_hf.data.loading import load_expression_dataset, split_by_subject
from sargan_hf.data.pair_flow import decode_motion


def sizes(model: SARGAN, neutral: dict, posed: dict) -> tuple[float, float]:
    """Mean length of the exact motion, brought to intensity 1, and of the model's, both in normalised coordinates."""
    side = model.config.sample_size
    crop = np.array(neutral["image"].convert("RGB").resize((side, side)))
    pixels = torch.from_numpy(crop).permute(2, 0, 1)[None].float() / 127.5 - 1
    expression = torch.eye(len(model.config.expressions))[posed["expression"]][None]
    with torch.no_grad():
        found = model(pixels, expression).motion[0].permute(1, 2, 0).numpy()
    stored = decode_motion(posed["motion_backward"])
    exact = cv2.resize(stored, (side, side)) * (2 / len(stored)) / posed["intensity"]
    return float(np.linalg.norm(exact, axis=2).mean()), float(np.linalg.norm(found, axis=2).mean())


def measured(model: SARGAN, rows: Dataset, count: int, seed: int) -> dict[str, list[tuple[float, float]]]:
    """`sizes` of every posed picture of `count` pairs drawn at random, by expression."""
    pairs: dict[str, list[int]] = defaultdict(list)
    for index, pair in enumerate(rows["pair"]):
        pairs[pair].append(index)
    pairs.pop("", None)
    names = list(model.config.expressions)
    found = defaultdict(list)
    for pair in random.Random(seed).sample(sorted(pairs), min(count, len(pairs))):
        pictures = {names[row["expression"]]: row for row in (rows[index] for index in pairs[pair])}
        for name, posed in pictures.items():
            if name != "neutral" and "neutral" in pictures and posed["motion_backward"]:
                found[name].append(sizes(model, pictures["neutral"], posed))
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data")
    parser.add_argument("--model", default="weights/sargan-motion-128")
    parser.add_argument("--part", choices=("train", "test"), default="train", help="test: the people held out")
    parser.add_argument("--pairs", type=int, default=60)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    model = SARGAN.from_pretrained(given.model).eval()
    if not model.config.motion:
        parser.error(f"{given.model} has no motion: give a model with motion=true in its config.json.")
    rows = split_by_subject(load_expression_dataset(given.data, expressions=model.config.expressions))[given.part]
    totals = measured(model, rows, given.pairs, given.seed)
    print(f"{given.part}: mean size of the exact motion over the model's")
    everything = [pair for values in totals.values() for pair in values]
    for name, values in [*sorted(totals.items()), ("all", everything)]:
        exact, found = np.mean(values, axis=0)
        print(f"{name:10} {exact / found:.2f}  n {len(values)}")


if __name__ == "__main__":
    main()
