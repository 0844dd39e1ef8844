"""Changes of training pictures: style, things in front of the face, proportions."""
