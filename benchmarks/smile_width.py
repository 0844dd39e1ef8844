"""Do happy edits smile as widely as people do?

    python benchmarks/smile_width.py ../shared/data/portraits [--people 40] [--held-out 0.12]

Takes the people of whom there are a neutral face and a smile. Printed are the percentiles of how wide the mouth gets, as a
multiple of its neutral width, and of how far it opens, in inter-ocular distances: of the real smiles, and of happy edits of the
neutral faces. FaceMesh finds the points in both.
"""

from typing import Annotated

import numpy as np
import typer
from PIL import Image
from rich.console import Console
from rich.progress import track
from rich.table import Table

from sargan_hf import SARGANPipeline
from sargan_hf.errors import NoFaceError
from sargan_hf.evaluation.samples import Sample, load_samples
from sargan_hf.rig.landmarks.facemesh import FaceMesh

CORNERS, INNER_LIPS = (61, 291), (13, 14)
EYES = ((33, 133), (362, 263))  # corners of each
PERCENTILES = (10, 25, 50, 75, 90, 100)
LARGEST_SIDE = 800


def main(
    pictures: Annotated[str, typer.Argument(help="Labelled pictures, neutral and happy ones of the same people.")],
    model: str = "weights/sargan-motion-128",
    people: Annotated[int, typer.Option(min=1, help="Spread evenly over the folder.")] = 40,
    held_out: Annotated[float | None, typer.Option(help="Only this share, those that training holds out.")] = None,
) -> None:
    """Edit, find points, compare."""
    pipeline, mesh = SARGANPipeline.from_pretrained(model), FaceMesh()
    samples = load_samples(pictures, held_out=held_out)
    neutrals, smiles = ({each.subject: each for each in samples if each.expression == e} for e in ("neutral", "happy"))
    both = sorted(neutrals.keys() & smiles.keys())
    if not both:
        raise typer.BadParameter(f"{pictures} has nobody both neutral and happy.")
    both = [both[place] for place in np.linspace(0, len(both) - 1, min(people, len(both))).astype(int)]
    found: dict[str, list[np.ndarray]] = {"real smile": [], "happy edit": []}
    for subject in track(both, "measuring"):
        neutral = opened(neutrals[subject])
        try:
            pictures = {
                "real smile": opened(smiles[subject]),
                "happy edit": pipeline(neutral, expression="happy").images[0],
            }
            start = mouth(neutral, pipeline, mesh)
            ends = {name: mouth(picture, pipeline, mesh) for name, picture in pictures.items()}
        except NoFaceError as error:
            print(error)
            continue
        for name, end in ends.items():
            found[name].append(np.array([end[0] / start[0], end[1]]))
    show({name: np.array(values) for name, values in found.items()})


def opened(sample: Sample) -> Image.Image:
    picture = Image.fromarray(sample.open())
    picture.thumbnail((LARGEST_SIDE, LARGEST_SIDE))
    return picture


def mouth(picture: Image.Image, pipeline: SARGANPipeline, mesh: FaceMesh) -> np.ndarray:
    """Width and opening of the mouth in inter-ocular distances."""
    points = pipeline.open(picture).find_faces()[0].points
    dense = mesh(np.asarray(picture), np.array([points[0], points[1], points[3:].mean(axis=0)]))
    right, left = (dense[list(eye)].mean(axis=0) for eye in EYES)
    lengths = [np.linalg.norm(dense[first] - dense[second]) for first, second in (CORNERS, INNER_LIPS)]
    return np.array(lengths) / np.linalg.norm(left - right)


def show(found: dict[str, np.ndarray]) -> None:
    table = Table("", "faces", *(f"{each} %" for each in PERCENTILES))
    for column, what in enumerate(("width", "opening")):
        for name, values in found.items():
            row = np.percentile(values[:, column], PERCENTILES)
            table.add_row(f"{name}, {what}", str(len(values)), *(f"{each:.2f}" for each in row))
    Console(width=120).print(table)


if __name__ == "__main__":
    typer.run(main)
