"""Which pictures of the rig's sets are photographs, and what they may serve for."""

RECIPE = "recipe"  # the column that says how the rig made a picture; other sets have none
CONTROLLED = "controls"  # what stands there where controls alone moved the neutral face
PHOTOGRAPH = "real"  # what stands there for a recipe's name


def source_only(recipe: str | None, pair: str) -> bool:
    """Whether a picture may only be edited: a photograph in a pair of the rig's, given its recipe and its pair."""
    return recipe == PHOTOGRAPH and bool(pair)
