"""Names that were public once still work, and warn with the new name."""

from importlib import import_module

import pytest

OLD_NAMES = {
    "sargan_hf.errors": {"PictureError": "ImageError"},
    "sargan_hf.images": {"Picture": "LoadedImage", "open_picture": "load_image", "save_picture": "save_image"},
    "sargan_hf.images.load_image": {"PictureSource": "ImageSource", "identify_picture": "identify_image"},
    "sargan_hf.images.warp": {"moved": "warp_field"},
    "sargan_hf.images.content_credentials": {"sign_picture": "sign_image"},
    "sargan_hf.inference": {"GeneratorEdit": "GeneratorOutput", "evened": "match_strength", "reach_of": "rms_motion"},
    "sargan_hf.editing.change": {"Change": "FaceWarp", "plan_change": "plan_warp"},
    "sargan_hf.editing.apply": {"apply_change": "apply_warp"},
}
PAIRS = [(module, old, new) for module, names in OLD_NAMES.items() for old, new in names.items()]


@pytest.mark.parametrize(("module", "old", "new"), PAIRS)
def test_an_old_name_works_and_warns_with_the_new_one(module, old, new):
    home = import_module(module)
    with pytest.warns(FutureWarning, match=rf"{old} is now .*{new}"):
        found = getattr(home, old)
    assert found is getattr(home, new)


def test_a_name_that_never_was_is_an_error():
    with pytest.raises(AttributeError, match="nonsense"):
        _ = import_module("sargan_hf.images").nonsense
