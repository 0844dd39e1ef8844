"""Fits the face model to the landmarks of a portrait."""
