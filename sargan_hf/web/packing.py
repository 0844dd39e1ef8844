"""How a graph travels: packed, so that any file server sends little. `web/src/lib/packing.ts` puts it together again."""

import zlib
from collections.abc import Sequence

import numpy as np

Halves = Sequence[tuple[int, int]]


def separated(content: bytes, halves: Halves) -> bytes:
    """A graph with the bytes of its 16-bit weights apart: what is not of them, the upper bytes of all, the lower bytes of all.

    Upper bytes, of sign, exponent and first bits, resemble one another. Lower bytes do not. Apart they pack by a tenth better
    than in turn.

    Args:
        content: the graph.
        halves: where it has such weights: first byte and number of bytes of each, in order.
    """
    others, weights, after = [], [], 0
    for first, length in halves:
        others.append(content[after:first])
        after = first + length
        weights.append(content[first:after])
    pairs = np.frombuffer(b"".join(weights), np.uint8).reshape(-1, 2)
    return b"".join([*others, content[after:], pairs[:, 1].tobytes(), pairs[:, 0].tobytes()])


def packed(content: bytes) -> bytes:
    """The shorter of two gzip files: weights pack better by how often bytes occur than by what is repeated.

    The same content makes the same file.
    """
    return min((_gzip(content, strategy) for strategy in (zlib.Z_DEFAULT_STRATEGY, zlib.Z_FILTERED)), key=len)


def _gzip(content: bytes, strategy: int) -> bytes:
    packer = zlib.compressobj(9, wbits=16 + zlib.MAX_WBITS, strategy=strategy)
    return packer.compress(content) + packer.flush()
