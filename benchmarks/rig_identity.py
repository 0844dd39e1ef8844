"""Whether the rig's pictures still show the person: distances of a face embedding that had no part in making them.

    python benchmarks/rig_identity.py DATASET [--limit 40]

The gallery holds the mean embedding of each person's neutral pictures (morphs are people of their own). Printed for
every expression: share of pictures nearest to their own person, mean distance to that person, and the largest.
Distances are Euclidean between 128-d embeddings (dlib's network; two pictures of one person are usually below 0.43).
"""

from collections import defaultdict
from pathlib import Path

import numpy as np
import typer
from datasets import load_dataset

from sargan_hf.evaluation.evaluator_nets import FaceEmbedder


def main(dataset: Path, limit: int = 40) -> None:
    """Measures and prints."""
    data = load_dataset(str(dataset), split="train")
    names = data.features["expression"].names
    people = sorted({s for s, source in zip(data["subject"], data["source"], strict=True) if source != "real"})
    people = people[:: max(1, len(people) // limit)][:limit]
    rows = [i for i, subject in enumerate(data["subject"]) if subject in set(people)]
    embed = FaceEmbedder()
    vectors, labels, owners = [], [], []
    for i in rows:
        row = data[i]
        vectors.append(embed(np.asarray(row["image"].convert("RGB"))[None])[0])
        labels.append(names[row["expression"]])
        owners.append(people.index(row["subject"]))
    vectors, labels, owners = np.array(vectors), np.array(labels), np.array(owners)
    gallery = np.array([vectors[(owners == p) & (labels == "neutral")].mean(axis=0) for p in range(len(people))])
    report(vectors, labels, owners, gallery)


def report(vectors: np.ndarray, labels: np.ndarray, owners: np.ndarray, gallery: np.ndarray) -> None:
    """Prints one line per expression and one for all but neutral."""
    distance = np.linalg.norm(vectors[:, None] - gallery[None], axis=2)
    own = distance[np.arange(len(owners)), owners]
    nearest = distance.argmin(axis=1) == owners
    groups = defaultdict(lambda: np.zeros(len(labels), bool))
    for name in sorted(set(labels)):
        groups[name] = labels == name
    groups["all but neutral"] = labels != "neutral"
    print(f"{len(gallery)} people, {len(labels)} pictures")
    for name, members in groups.items():
        print(f"{name:16s} own person nearest {nearest[members].mean():.3f}", end="  ")
        print(f"distance {own[members].mean():.3f}, largest {own[members].max():.3f}")


if __name__ == "__main__":
    typer.run(main)
