"""The face model in the package: the npz's arrays, bit for bit, in half the bytes.

Half-precision deltas compress badly as they lie: sign, exponent and leading bits vary slowly over the mesh, the last bits
hardly. Stored as two planes of bytes, coordinate by coordinate, and compressed by LZMA, they take 6 MB instead of 11 MB. Left
out are the deltas of `Part.EXTRAS` (eyelashes and the like), which nothing fits or draws; they are read back as zeros.
"""

import io
import lzma
from collections.abc import Mapping
from pathlib import Path

import numpy as np

SUFFIX = ".xz"
DELTAS = ("identity", "expressions")
_HIGH, _LOW = "_high", "_low"
# The planes are bytes without words or lines to align to.
_FILTERS = [{"id": lzma.FILTER_LZMA2, "preset": 9 | lzma.PRESET_EXTREME, "lc": 0, "lp": 0, "pb": 0}]


def write_packed(path: str | Path, arrays: Mapping[str, np.ndarray], kept: int) -> None:
    """Writes the arrays of a face model's npz as one packed file.

    Args:
        path: the file to write.
        arrays: those of the npz: `identity` and `expressions` float16 [N, V, 3], the others as they are.
        kept: deltas of the vertices from this one on are left out.

    Raises:
        ValueError: deltas are not float16.
    """
    packed = {}
    for name, values in arrays.items():
        if name not in DELTAS:
            packed[name] = values
            continue
        if values.dtype != np.float16:
            raise ValueError(
                f"{name} is {values.dtype}; deltas are packed in float16, as `sargan rig build-model` makes."
            )
        bits = np.ascontiguousarray(values[:, :kept].transpose(0, 2, 1)).view(np.uint16)
        packed[name + _HIGH] = (bits >> 8).astype(np.uint8)
        packed[name + _LOW] = (bits & 0xFF).astype(np.uint8)
    buffer = io.BytesIO()
    np.savez(buffer, **packed)
    Path(path).write_bytes(lzma.compress(buffer.getvalue(), format=lzma.FORMAT_XZ, filters=_FILTERS))


def read_packed(path: str | Path) -> dict[str, np.ndarray]:
    """The arrays that `write_packed` was given; deltas that were left out are 0.

    Raises:
        KeyError, OSError, ValueError, lzma.LZMAError: the file is damaged or something else.
    """
    with np.load(io.BytesIO(lzma.decompress(Path(path).read_bytes())), allow_pickle=False) as data:
        arrays = {name: data[name] for name in data.files if not name.endswith((_HIGH, _LOW))}
        vertices = len(arrays["mean"])
        for name in DELTAS:
            bits = data[name + _HIGH].astype(np.uint16) << 8 | data[name + _LOW]
            values = bits.view(np.float16).transpose(0, 2, 1)
            arrays[name] = np.zeros((len(values), vertices, 3), np.float16)
            arrays[name][:, : values.shape[1]] = values
    return arrays
