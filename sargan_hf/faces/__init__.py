"""Faces in pictures: finding them, and aligning them to the model's crop."""

from .alignment import AlignedFace, align, canonical_transform, crop_face
from .detection import Face, FaceDetector

__all__ = ["AlignedFace", "Face", "FaceDetector", "align", "canonical_transform", "crop_face"]
