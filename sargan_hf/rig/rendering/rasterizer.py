"""A z-buffer rasteriser for triangle meshes: which triangle does each pixel show, and where on it."""

from dataclasses import dataclass

import numpy as np
from numba import njit

# A pixel centre this far outside of an edge still counts, so that no gap opens between neighbours.
_EDGE_TOLERANCE = -1e-4


@dataclass
class Raster:
    """What a picture of `height` x `width` pixels shows of a mesh.

    Attributes:
        triangle: int32 [H, W], row of the triangle list, -1 where nothing is drawn.
        weights: float32 [H, W, 2], barycentric weights of the triangle's first two corners.
        depth: float32 [H, W], z of the surface, larger is nearer.
    """

    triangle: np.ndarray
    weights: np.ndarray
    depth: np.ndarray

    @classmethod
    def empty(cls, height: int, width: int) -> "Raster":
        return cls(
            np.full((height, width), -1, np.int32),
            np.zeros((height, width, 2), np.float32),
            np.full((height, width), -1e9, np.float32),
        )

    def draw(self, screen: np.ndarray, triangles: np.ndarray, first: int, last: int, mask: np.ndarray | None = None):
        """Draws rows `first` to `last` of `triangles` over what is there, nearer surfaces winning.

        Args:
            screen: float32 [V, 3], x, y in pixels (centres at whole numbers) and z.
            triangles: int32 [T, 3].
            mask: bool [H, W], pixels that may be drawn on; everywhere when None.
        """
        if mask is None:
            mask = np.ones((1, 1), np.bool_)
        _draw(screen, triangles, first, last, mask, self.triangle, self.weights, self.depth)

    def interpolate(self, values: np.ndarray, triangles: np.ndarray) -> np.ndarray:
        """float32 [H, W, K] of the vertex attributes `values` [V, K]; 0 where nothing is drawn."""
        out = np.zeros((*self.triangle.shape, values.shape[1]), np.float32)
        _interpolate(np.ascontiguousarray(values, np.float32), triangles, self.triangle, self.weights, out)
        return out

    def window(self, rows: slice, columns: slice) -> "Raster":
        """The same picture cut to a rectangle; shares memory."""
        return Raster(self.triangle[rows, columns], self.weights[rows, columns], self.depth[rows, columns])


@njit(cache=True, fastmath=True, nogil=True)
def _draw(screen, triangles, first, last, mask, triangle, weights, depth):
    height, width = triangle.shape
    masked = mask.shape[0] > 1
    for t in range(first, last):
        a, b, c = triangles[t, 0], triangles[t, 1], triangles[t, 2]
        x0, y0, z0 = screen[a, 0], screen[a, 1], screen[a, 2]
        x1, y1, z1 = screen[b, 0], screen[b, 1], screen[b, 2]
        x2, y2, z2 = screen[c, 0], screen[c, 1], screen[c, 2]
        area = (y1 - y2) * (x0 - x2) + (x2 - x1) * (y0 - y2)
        if abs(area) < 1e-9:
            continue
        left = max(0, int(np.floor(min(x0, min(x1, x2)))))
        right = min(width - 1, int(np.ceil(max(x0, max(x1, x2)))))
        top = max(0, int(np.floor(min(y0, min(y1, y2)))))
        bottom = min(height - 1, int(np.ceil(max(y0, max(y1, y2)))))
        inverse = 1.0 / area
        for y in range(top, bottom + 1):
            for x in range(left, right + 1):
                w0 = ((y1 - y2) * (x - x2) + (x2 - x1) * (y - y2)) * inverse
                w1 = ((y2 - y0) * (x - x2) + (x0 - x2) * (y - y2)) * inverse
                w2 = 1.0 - w0 - w1
                if w0 < _EDGE_TOLERANCE or w1 < _EDGE_TOLERANCE or w2 < _EDGE_TOLERANCE:
                    continue
                z = w0 * z0 + w1 * z1 + w2 * z2
                if z > depth[y, x] and (not masked or mask[y, x]):
                    depth[y, x] = z
                    triangle[y, x] = t
                    weights[y, x, 0] = w0
                    weights[y, x, 1] = w1


@njit(cache=True, fastmath=True, nogil=True)
def _interpolate(values, triangles, triangle, weights, out):
    height, width = triangle.shape
    for y in range(height):
        for x in range(width):
            t = triangle[y, x]
            if t >= 0:
                a, b, c = triangles[t, 0], triangles[t, 1], triangles[t, 2]
                w0, w1 = weights[y, x, 0], weights[y, x, 1]
                w2 = np.float32(1.0) - w0 - w1
                for k in range(values.shape[1]):
                    out[y, x, k] = values[a, k] * w0 + values[b, k] * w1 + values[c, k] * w2


def vertex_normals(vertices: np.ndarray, triangles: np.ndarray) -> np.ndarray:
    """float32 [V, 3], unit normals averaged over the triangles round each vertex, weighted by area."""
    normals = np.zeros_like(vertices, dtype=np.float32)
    _add_normals(np.ascontiguousarray(vertices, np.float32), triangles, normals)
    return normals


@njit(cache=True, fastmath=True, nogil=True)
def _add_normals(vertices, triangles, normals):
    for t in range(triangles.shape[0]):
        a, b, c = triangles[t, 0], triangles[t, 1], triangles[t, 2]
        ux, uy, uz = vertices[b, 0] - vertices[a, 0], vertices[b, 1] - vertices[a, 1], vertices[b, 2] - vertices[a, 2]
        vx, vy, vz = vertices[c, 0] - vertices[a, 0], vertices[c, 1] - vertices[a, 1], vertices[c, 2] - vertices[a, 2]
        nx, ny, nz = uy * vz - uz * vy, uz * vx - ux * vz, ux * vy - uy * vx
        for v in (a, b, c):
            normals[v, 0] += nx
            normals[v, 1] += ny
            normals[v, 2] += nz
    for v in range(normals.shape[0]):
        x, y, z = normals[v, 0], normals[v, 1], normals[v, 2]
        length = np.sqrt(x * x + y * y + z * z) + np.float32(1e-12)
        normals[v, 0], normals[v, 1], normals[v, 2] = x / length, y / length, z / length
