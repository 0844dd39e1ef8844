"""Render one head with Blender's Cycles: parts, lights, camera. Coordinates are turned to Blender's z-up."""

import math
from dataclasses import dataclass

import bpy  # isort: skip  (it makes bmesh and mathutils importable)
import bmesh
import numpy as np
from heads import Hair, Mesh, eye_spheres, eyebrows, lip_mask, morph, read_base_mesh, sculpt_hair, submesh
from materials import Nodes, material
from mathutils import Vector

COLLAR = 6.02  # height of a neckline, decimetres


@dataclass
class Head:
    """One example: who, in what, before what."""

    targets: dict[str, float]
    hair: Hair | None
    skin: str
    hair_material: str
    eye_material: str
    cloth: str | None = None
    backdrop: tuple[float, float, float] = (0.3, 0.3, 0.32)
    turn: float = 12.0  # degrees; the head turned to its left
    brows: float = 0.0
    lens: float = 85.0
    voxel: float = 0.014
    lights: tuple[float, float, float] = (1.0, 0.35, 0.8)  # key, fill, rim
    frame_height: float = 2.85  # decimetres of the scene in the picture's height
    look_at: float = 7.15
    size: tuple[int, int] = (768, 880)
    key_side: float = -1.0  # where the key light stands: -1 at the left, 1 at the right
    carved_iris: bool = True  # of eyes of stone; else they are blank
    tint: tuple[float, float, float] | None = None  # multiplies the colour of skin or stone


def to_blender(points: np.ndarray) -> np.ndarray:
    return np.stack([points[:, 0], -points[:, 2], points[:, 1]], axis=1)


def add_mesh(name: str, vertices: np.ndarray, faces: list, material, subdivide: int = 0, parent=None):
    mesh = bpy.data.meshes.new(name)
    mesh.from_pydata(to_blender(vertices).tolist(), [], faces)
    mesh.polygons.foreach_set("use_smooth", [True] * len(mesh.polygons))
    thing = bpy.data.objects.new(name, mesh)
    bpy.context.collection.objects.link(thing)
    thing.data.materials.append(material)
    thing.parent = parent
    if subdivide:
        modifier = thing.modifiers.new("subdivision", "SUBSURF")
        modifier.levels = modifier.render_levels = subdivide
    return thing


def add_eyes(mesh: Mesh, head: Head, parent):
    for centre, radius in eye_spheres(mesh):
        bpy.ops.mesh.primitive_uv_sphere_add(segments=96, ring_count=64, radius=1.0)
        eye = bpy.context.object
        eye.parent = parent
        eye.location = to_blender(centre[None])[0]
        eye.scale = (radius,) * 3
        alive = head.eye_material.startswith("eyes")
        if not alive and head.carved_iris:
            carve_iris(eye.data)
        bpy.ops.object.shade_smooth()
        eye.data.materials.append(material(head.eye_material, None if alive else head.tint))


def carve_iris(mesh):
    """Roman sculptors cut the iris as a shallow ring and drilled the pupil; without it a stone face looks blind."""
    for vertex in mesh.vertices:
        angle = math.acos(max(-1.0, min(1.0, -vertex.co.y / vertex.co.length)))
        ring = 0.05 * math.exp(-(((angle - 0.46) / 0.06) ** 2))
        pupil = 0.20 / (1 + math.exp((angle - 0.20) / 0.03))
        vertex.co *= 1 - ring - pupil


def add_hair(mesh: Mesh, head: Head, parent):
    vertices, faces = sculpt_hair(mesh, head.hair)
    hair = add_mesh(
        "hair",
        vertices,
        faces,
        material(head.hair_material, head.tint if head.hair_material == head.skin else None),
        parent=parent,
    )
    melt = hair.modifiers.new("melt", "REMESH")
    melt.mode, melt.voxel_size, melt.use_smooth_shade = "VOXEL", head.voxel, True
    smooth = hair.modifiers.new("smooth", "SMOOTH")
    smooth.factor, smooth.iterations = 0.5, 3


def add_cloth(mesh: Mesh, head: Head, parent):
    """A collar and shoulders: the body below the neck, a little larger."""

    vertices, faces, _ = submesh(mesh, "body", keep=lambda centre: 3.0 < centre[1] < 6.4 and centre[2] < 1.1)
    cloth = add_mesh(
        "cloth", vertices, faces, material(head.cloth, head.tint if head.cloth == head.skin else None), parent=parent
    )
    cut = bmesh.new()
    cut.from_mesh(cloth.data)
    everything = [*cut.verts, *cut.edges, *cut.faces]
    neckline = {"plane_co": (0.0, 0.0, COLLAR), "plane_no": (0.0, -0.30, 1.0)}
    bmesh.ops.bisect_plane(cut, geom=everything, clear_outer=True, **neckline)
    cut.to_mesh(cloth.data)
    puff = cloth.modifiers.new("thickness", "SOLIDIFY")
    puff.thickness, puff.offset = 0.12, 1.0
    modifier = cloth.modifiers.new("subdivision", "SUBSURF")
    modifier.levels = modifier.render_levels = 2


def area_light(name: str, location: tuple, target: tuple, size: float, power: float, colour: tuple):
    data = bpy.data.lights.new(name, "AREA")
    data.size, data.energy, data.color = size, power, colour
    light = bpy.data.objects.new(name, data)
    bpy.context.collection.objects.link(light)
    light.location = location
    direction = np.array(target) - np.array(location)
    light.rotation_euler = Vector(direction).to_track_quat("-Z", "Y").to_euler()


def light_scene(head: Head):
    key, fill, rim = head.lights
    middle = (0.0, 0.0, head.look_at)
    area_light("key", (4.5 * head.key_side, -5.5, head.look_at + 3.6), middle, 3.0, 900 * key, (1.0, 0.955, 0.90))
    area_light("fill", (5.5, -5.0, head.look_at + 0.5), middle, 6.0, 700 * fill, (0.86, 0.92, 1.0))
    area_light("rim", (3.2, 4.2, head.look_at + 2.8), middle, 2.0, 700 * rim, (1.0, 0.97, 0.93))
    world = bpy.data.worlds.new("world")
    bpy.context.scene.world = world
    world.use_nodes = True
    world.node_tree.nodes["Background"].inputs[0].default_value = (*head.backdrop, 1.0)
    world.node_tree.nodes["Background"].inputs[1].default_value = 0.35


def add_backdrop(head: Head):
    """A wall behind the head that falls off from a bright centre, as in a photographer's studio."""
    bpy.ops.mesh.primitive_plane_add(size=40, location=(0, 6.0, head.look_at), rotation=(math.pi / 2, 0, 0))
    wall = bpy.context.object
    paint = bpy.data.materials.new("wall")
    n = Nodes(paint)
    gradient = n.add("TexGradient")
    gradient.gradient_type = "SPHERICAL"
    mapping = n.add("Mapping", Scale=(0.16, 0.16, 0.16), Location=(0.08, 0.0, 0.0))
    n.link(n.add("TexCoord").outputs["Object"], mapping.inputs["Vector"])
    n.link(mapping.outputs["Vector"], gradient.inputs["Vector"])
    colour = np.array(head.backdrop)
    shade = n.ramp(gradient.outputs["Fac"], (0.0, tuple(colour * 0.35)), (0.9, tuple(colour)))
    n.set(Base_Color=(0, 0, 0, 1), Roughness=1.0, Specular_IOR_Level=0.0, Emission_Strength=1.0)
    n.link(shade, n.surface.inputs["Emission Color"])
    wall.data.materials.append(paint)


def add_camera(head: Head):
    data = bpy.data.cameras.new("camera")
    data.lens, data.sensor_width, data.sensor_fit = head.lens, 36.0, "VERTICAL"
    data.sensor_height = 36.0
    distance = head.frame_height * head.lens / 36.0
    camera = bpy.data.objects.new("camera", data)
    bpy.context.collection.objects.link(camera)
    camera.location = (0.0, -distance - 1.2, head.look_at + 0.1)
    camera.rotation_euler = (math.pi / 2 - 0.012, 0, 0)
    bpy.context.scene.camera = camera


def build(head: Head):
    bpy.ops.wm.read_factory_settings(use_empty=True)
    mesh = morph(read_base_mesh(), head.targets)
    pivot = bpy.data.objects.new("pivot", None)
    bpy.context.collection.objects.link(pivot)
    vertices, faces, used = submesh(mesh, "body", keep=lambda centre: centre[1] > 3.0 and abs(centre[0]) < 3.2)
    body = add_mesh("body", vertices, faces, material(head.skin, head.tint), subdivide=3, parent=pivot)
    body.data.attributes.new("lips", "FLOAT", "POINT").data.foreach_set("value", lip_mask(mesh)[used])
    add_eyes(mesh, head, pivot)
    if head.hair:
        add_hair(mesh, head, pivot)
    if head.brows:
        for points, brow_faces in eyebrows(mesh, thickness=head.brows):
            add_mesh("brow", points, brow_faces, material(head.hair_material), subdivide=1, parent=pivot)
    if head.cloth:
        add_cloth(mesh, head, pivot)
    pivot.rotation_euler = (0.0, 0.0, math.radians(head.turn))
    add_backdrop(head)
    light_scene(head)
    add_camera(head)


def render(head: Head, path: str, samples: int = 96, scale: int = 100) -> None:
    """Write one picture; `scale` is a percentage of the full size, for quick looks."""
    build(head)
    scene = bpy.context.scene
    scene.render.engine = "CYCLES"
    scene.cycles.device = "CPU"
    scene.cycles.samples = samples
    scene.cycles.use_denoising = True
    scene.cycles.denoiser = "OPENIMAGEDENOISE"
    scene.cycles.max_bounces = 4
    scene.render.resolution_x, scene.render.resolution_y = head.size
    scene.render.resolution_percentage = scale
    scene.view_settings.view_transform = "AgX"
    scene.view_settings.look = "AgX - Medium High Contrast"
    scene.render.image_settings.file_format = "PNG"
    scene.render.filepath = path
    bpy.ops.render.render(write_still=True)
