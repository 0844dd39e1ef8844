"""Faces in pictures: finding them, straightening them to the model's crop, and putting the edit back at full resolution."""

from .alignment import canonical_transform, crop_face
from .detection import Face, FaceDetector

__all__ = ["Face", "FaceDetector", "canonical_transform", "crop_face"]
