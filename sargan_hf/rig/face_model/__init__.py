"""The 3D face model: its vertices and shapes, the mesh that is drawn, and how its file is built."""
