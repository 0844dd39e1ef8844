"""Growth of memory over many edits in a row.

    python benchmarks/edit_memory.py [--model weights/sargan-motion-128] [--edits 1000]

Prints the resident memory after 50 edits, every tenth of the way, and the growth since the 50th.
"""

import argparse

import cv2
import psutil
from skimage import data

from sargan_hf import EXPRESSIONS, SARGANPipeline


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="weights/sargan-motion-128")
    parser.add_argument("--edits", type=int, default=1000)
    arguments = parser.parse_args()
    pipe, process = SARGANPipeline.from_pretrained(arguments.model), psutil.Process()
    # Different sizes, as pictures come: caches that grow with every new shape would show.
    pictures = [cv2.resize(data.astronaut(), (side, side + 16)) for side in range(400, 720, 32)]
    megabytes, start = 0.0, 0.0
    for index in range(1, arguments.edits + 1):
        pipe(pictures[index % len(pictures)], EXPRESSIONS[index % len(EXPRESSIONS)])
        megabytes = process.memory_info().rss / 2**20
        if index == 50:
            start = megabytes
        if index == 50 or index % max(1, arguments.edits // 10) == 0:
            print(f"{index} edits: {megabytes:.1f} MB")
    print(f"growth since the 50th: {megabytes - start:.1f} MB")


if __name__ == "__main__":
    main()
