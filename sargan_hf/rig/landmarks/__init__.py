"""Landmarks of a portrait: read from files or found by FaceMesh, and what they correspond to on the face model."""
