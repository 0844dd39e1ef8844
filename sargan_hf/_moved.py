"""Old names of modules and objects: they still work, and warn with the new name.

Version 0.2 gave each journey a folder of its own. Whoever imports by an old name gets the module at its new place.
"""

import sys
import warnings
from collections.abc import Callable, Mapping
from importlib import import_module
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType

MODULES: dict[str, str] = {
    "animation": "editing.animation",
    "data.augmentation": "augmentation.style",
    "data.caricature": "augmentation.proportions",
    "data.command": "commands.crop",
    "data.decoding": "data.image_decoding",
    "data.extracted": "data.video_frames",
    "data.motion": "data.pair_flow",
    "data.occluders": "augmentation.occluders",
    "data.photographs": "data.photograph_rows",
    "demo.agents": "demo.mcp_server",
    "demo.answers": "demo.error_responses",
    "demo.bodies": "demo.request_validation",
    "demo.command": "commands.demo",
    "demo.complaints": "demo.gradio_refusals",
    "demo.explaining": "demo.explanations",
    "demo.limits": "demo.rate_limiter",
    "demo.memory": "demo.memory_cleanup",
    "demo.pad": "demo.blend_pad",
    "demo.panel": "demo.api_panel",
    "demo.safety": "demo.middleware",
    "demo.scopes": "demo.request_scope",
    "demo.sentences": "demo.error_wording",
    "demo.sessions": "demo.memory_cleanup",
    "demo.shelf": "demo.session_cache",
    "demo.sitting": "editing.session",
    "demo.texts": "demo.strings",
    "demo.wishes": "demo.page_request",
    "editing.command": "commands.edit",
    "editing.lean_imports": "commands.skip_imports",
    "editing.plan": "batch.edit_jobs",
    "evaluation.card": "evaluation.model_card",
    "evaluation.command": "commands.evaluate",
    "evaluation.measuring": "evaluation.measure_edits",
    "evaluation.metrics": "evaluation.face_metrics",
    "evaluation.nets": "evaluation.evaluator_nets",
    "evaluation.readings": "evaluation.classifier_readings",
    "evaluation.summary": "evaluation.figures",
    "export": "inference.onnx_export",
    "faces.colours": "editing.color_match",
    "faces.compositing": "editing.masks",
    "faces.mouth": "editing.mouth_refiner",
    "faces.transfer": "editing.change",
    "fast_generator": "inference.cpu_generator",
    "generators": "inference",
    "generators.base": "inference.load_generator",
    "generators.onnx_generator": "inference.onnx_backend",
    "generators.torch_generator": "inference.torch_backend",
    "pictures": "images",
    "pictures.content_credentials": "images.content_credentials",
    "pictures.metadata": "images.metadata",
    "pictures.modes": "images.color_modes",
    "pictures.opening": "images.load_image",
    "pictures.provenance": "images.provenance",
    "pictures.saving": "images.saving",
    "pipeline_sargan": "editing.pipeline_sargan",
    "rig.backdrop": "rig.rendering.background_swap",
    "rig.background": "rig.rendering.background_mesh",
    "rig.beard": "rig.rendering.beard",
    "rig.build_model": "rig.face_model.build_model",
    "rig.camera": "rig.fitting.camera",
    "rig.card": "rig.dataset.dataset_card",
    "rig.command": "commands.rig",
    "rig.correction": "rig.fitting.thin_plate",
    "rig.correspondence": "rig.landmarks.correspondences",
    "rig.crop": "rig.rendering.downsample",
    "rig.deform": "rig.rendering.deform",
    "rig.eyes": "rig.rendering.eyes",
    "rig.facemesh": "rig.landmarks.facemesh",
    "rig.fit": "rig.fitting.fit",
    "rig.fitted": "rig.fitting.fitted_face",
    "rig.folder": "rig.dataset.part_files",
    "rig.making": "rig.dataset.worker",
    "rig.morphs": "rig.portraits.morphs",
    "rig.motion": "rig.rendering.flow_tracer",
    "rig.mouth": "rig.rendering.mouth_interior",
    "rig.mouth_line": "rig.landmarks.mouth_line",
    "rig.plan": "rig.dataset.work_units",
    "rig.pose": "rig.rendering.pose",
    "rig.raster": "rig.rendering.rasterizer",
    "rig.real": "rig.rendering.photo_overlay",
    "rig.recipes": "rig.rendering.recipes",
    "rig.render": "rig.rendering.render",
    "rig.shading": "rig.rendering.shading",
    "rig.shapes": "rig.face_model.mesh",
    "rig.sheet": "rig.dataset.set_sheet",
    "rig.variation": "rig.rendering.variation",
    "rig.visibility": "rig.rendering.visibility",
    "rig.white_balance": "rig.portraits.white_balance",
    "rig.wrinkles": "rig.rendering.wrinkles",
    "training.batches": "training.sample",
    "training.command": "commands.train",
    "training.faces": "training.image_cache",
    "training.flow": "training.optical_flow",
    "training.mouths": "data.mouth_pairs",
    "training.plan": "training.dry_run",
    "training.publishing": "training.publish",
    "training.report": "training.progress",
    "training.setup": "training.setup_data",
    "training.streaming": "training.stream_dataset",
    "training.watching": "training.validation",
    "training.widening": "training.weight_surgery",
}


class _MovedModules(MetaPathFinder, Loader):
    """Finds a moved module by its old name."""

    def find_spec(self, fullname: str, path: object, target: ModuleType | None = None) -> ModuleSpec | None:
        package, _, name = fullname.partition(".")
        return ModuleSpec(fullname, self) if package == __package__ and name in MODULES else None

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        new = f"{__package__}.{MODULES[spec.name.partition('.')[2]]}"
        warnings.warn(f"{spec.name} is now {new}.", FutureWarning, stacklevel=2)
        module = import_module(new)
        spec.loader_state = module.__spec__
        return module

    def exec_module(self, module: ModuleType) -> None:
        # The import system has just given the module the spec of its old name.
        if module.__spec__ is not None and module.__spec__.loader is self:
            module.__spec__ = module.__spec__.loader_state


def install() -> None:
    """Lets old module names be imported."""
    if not any(isinstance(finder, _MovedModules) for finder in sys.meta_path):
        sys.meta_path.append(_MovedModules())


def renamed(module: str, names: Mapping[str, str]) -> Callable[[str], object]:
    """A module's `__getattr__` that knows its old names.

    Args:
        module: `__name__` of the module.
        names: old name to new name; a new name with a colon, such as "sargan_hf.images.warp:warp_field", lies elsewhere.
    """

    def look_up(name: str) -> object:
        if name not in names:
            raise AttributeError(f"module {module!r} has no attribute {name!r}")
        place, _, new = names[name].rpartition(":")
        warnings.warn(f"{module}.{name} is now {place or module}.{new}.", FutureWarning, stacklevel=2)
        return getattr(import_module(place or module), new)

    return look_up
