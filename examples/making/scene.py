"""Render one head with Blender's Cycles: materials, lights, camera. Coordinates are turned to Blender's z-up."""

import math
from dataclasses import dataclass

import bpy  # isort: skip  (it makes bmesh and mathutils importable)
import bmesh
import numpy as np
from heads import Hair, Mesh, eye_spheres, eyebrows, lip_mask, morph, read_base_mesh, sculpt_hair, submesh
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


class Nodes:
    """A little shorthand over Blender's shader nodes."""

    def __init__(self, material):
        material.use_nodes = True
        self.tree = material.node_tree
        self.surface = self.tree.nodes["Principled BSDF"]

    def add(self, kind: str, **inputs):
        node = self.tree.nodes.new(f"ShaderNode{kind}")
        for key, value in inputs.items():
            node.inputs[key].default_value = value
        return node

    def link(self, source, target):
        self.tree.links.new(source, target)

    def noise(self, scale: float, detail: float = 6.0, distortion: float = 0.0):
        node = self.add("TexNoise", Scale=scale, Detail=detail, Distortion=distortion)
        self.link(self.add("TexCoord").outputs["Object"], node.inputs["Vector"])
        return node.outputs["Fac"]

    def occlusion(self, distance: float):
        node = self.add("AmbientOcclusion", Distance=distance)
        node.samples = 4
        return node.outputs["AO"]

    def ramp(self, factor, *stops: tuple[float, tuple]):
        node = self.add("ValToRGB")
        while len(node.color_ramp.elements) < len(stops):
            node.color_ramp.elements.new(0.5)
        for element, (position, colour) in zip(node.color_ramp.elements, stops, strict=True):
            element.position, element.color = position, (*colour, 1.0)
        self.link(factor, node.inputs["Fac"])
        return node.outputs["Color"]

    def mix(self, blend: str, factor: float, first, second):
        node = self.add("MixRGB", Fac=factor)
        node.blend_type = blend
        self.link(first, node.inputs["Color1"])
        self.link(second, node.inputs["Color2"])
        return node.outputs["Color"]

    def bump(self, height, strength: float, distance: float = 0.02):
        node = self.add("Bump", Strength=strength, Distance=distance)
        self.link(height, node.inputs["Height"])
        self.link(node.outputs["Normal"], self.surface.inputs["Normal"])

    def tint(self, colour: tuple[float, float, float]):
        base = self.surface.inputs["Base Color"]
        if base.links:
            paint = self.add("RGB")
            paint.outputs[0].default_value = (*colour, 1.0)
            self.link(self.mix("MULTIPLY", 1.0, base.links[0].from_socket, paint.outputs[0]), base)
        else:
            base.default_value = (*(np.array(base.default_value[:3]) * colour), 1.0)

    def set(self, **values):
        for key, value in values.items():
            self.surface.inputs[key.replace("_", " ")].default_value = value

    def scatter(self, weight: float, radius: tuple[float, float, float], scale: float):
        self.set(Subsurface_Weight=weight, Subsurface_Radius=radius, Subsurface_Scale=scale)


def marble(n: Nodes):
    veins = n.ramp(n.noise(0.9, 9.0, 1.6), (0.44, (0.70, 0.68, 0.645)), (0.495, (0.54, 0.53, 0.525)),
                   (0.53, (0.73, 0.71, 0.675)))  # fmt: skip
    cloud = n.ramp(n.noise(0.6), (0.3, (0.93, 0.91, 0.88)), (0.7, (1.0, 0.99, 0.97)))
    n.link(n.mix("MULTIPLY", 1.0, veins, cloud), n.surface.inputs["Base Color"])
    n.set(Roughness=0.42, Specular_IOR_Level=0.4)
    n.scatter(0.4, (1.0, 0.85, 0.7), 0.03)
    n.bump(n.noise(60.0, 3.0), 0.10)


def bronze(n: Nodes):
    occlusion = n.occlusion(0.35)
    worn = n.ramp(occlusion, (0.45, (0.045, 0.075, 0.06)), (0.72, (0.13, 0.075, 0.035)),
                  (1.0, (0.34, 0.18, 0.075)))  # fmt: skip
    blotches = n.ramp(n.noise(3.5, 8.0), (0.35, (0.6, 0.75, 0.68)), (0.6, (1.0, 1.0, 1.0)))
    n.link(n.mix("MULTIPLY", 0.75, worn, blotches), n.surface.inputs["Base Color"])
    n.set(Metallic=0.92, Roughness=0.36)
    n.bump(n.noise(28.0, 4.0), 0.12)


def terracotta(n: Nodes):
    colour = n.ramp(n.noise(5.0, 8.0), (0.3, (0.42, 0.155, 0.075)), (0.7, (0.58, 0.25, 0.13)))
    occlusion = n.occlusion(0.2)
    shade = n.ramp(occlusion, (0.2, (0.5, 0.42, 0.4)), (0.9, (1.0, 1.0, 1.0)))
    n.link(n.mix("MULTIPLY", 1.0, colour, shade), n.surface.inputs["Base Color"])
    n.set(Roughness=0.8, Specular_IOR_Level=0.25)
    n.bump(n.noise(18.0, 8.0), 0.35, 0.03)


def verdigris(n: Nodes):
    """Bronze that stood in the rain: green where water runs, brown where hands touch."""
    worn = n.ramp(n.occlusion(0.3), (0.4, (0.05, 0.09, 0.07)), (0.75, (0.16, 0.27, 0.21)), (1.0, (0.13, 0.14, 0.09)))
    stains = n.ramp(n.noise(4.0, 9.0, 0.6), (0.35, (0.55, 0.5, 0.42)), (0.62, (1.0, 1.05, 1.0)))
    n.link(n.mix("MULTIPLY", 0.9, worn, stains), n.surface.inputs["Base Color"])
    n.set(Metallic=0.4, Roughness=0.6)
    n.bump(n.noise(24.0, 6.0), 0.2)


def wood(n: Nodes):
    rings = n.ramp(
        n.noise(1.3, 2.0, 6.0), (0.3, (0.20, 0.095, 0.04)), (0.5, (0.34, 0.18, 0.085)), (0.7, (0.24, 0.12, 0.05))
    )
    n.link(n.mix("MULTIPLY", 1.0, rings, n.ramp(n.occlusion(0.2), (0.2, (0.45, 0.4, 0.36)), (0.9, (1.0, 1.0, 1.0)))),
           n.surface.inputs["Base Color"])  # fmt: skip
    n.set(Roughness=0.6, Specular_IOR_Level=0.3)
    n.bump(n.noise(22.0, 3.0, 4.0), 0.15)


def rough_stone(light: tuple[float, float, float], dark: tuple[float, float, float], scale: float):
    def build(n: Nodes):
        grains = n.ramp(n.noise(scale, 8.0), (0.3, dark), (0.7, light))
        hollows = n.ramp(n.occlusion(0.25), (0.2, (0.5, 0.48, 0.46)), (0.9, (1.0, 1.0, 1.0)))
        n.link(n.mix("MULTIPLY", 1.0, grains, hollows), n.surface.inputs["Base Color"])
        n.set(Roughness=0.85, Specular_IOR_Level=0.25)
        n.bump(n.noise(3 * scale, 8.0), 0.3, 0.03)

    return build


def flat(colour: tuple[float, float, float], roughness: float = 0.5, subsurface: float = 0.0, grain: float = 0.0):
    def build(n: Nodes):
        n.set(Base_Color=(*colour, 1.0), Roughness=roughness, Specular_IOR_Level=0.35)
        if subsurface:
            n.scatter(subsurface, (1.0, 0.35, 0.2), 0.10)
        if grain:
            n.bump(n.noise(40.0, 4.0), grain)

    return build


def skin(colour: tuple[float, float, float], lips: tuple[float, float, float], bump: float = 0.08):
    """Living skin, mottled with a little blood, and lips where the mesh says so."""

    def build(n: Nodes):
        blood = tuple(np.clip(np.array(colour) * (1.06, 0.80, 0.76), 0, 1))
        mottle = n.ramp(n.noise(2.2, 5.0), (0.35, blood), (0.65, colour))
        mask = n.add("Attribute")
        mask.attribute_name = "lips"
        mix = n.add("MixRGB", Color2=(*lips, 1.0))
        n.link(mask.outputs["Fac"], mix.inputs["Fac"])
        n.link(mottle, mix.inputs["Color1"])
        n.link(mix.outputs["Color"], n.surface.inputs["Base Color"])
        n.set(Roughness=0.46, Specular_IOR_Level=0.45)
        n.scatter(0.35, (1.0, 0.32, 0.16), 0.08)
        n.bump(n.noise(90.0, 3.0), bump)

    return build


def iris(colour: tuple[float, float, float]):
    """White, limbus, iris and pupil by the angle from the eye's own gaze (object -y)."""

    def build(n: Nodes):
        position = n.add("TexCoord").outputs["Object"]
        separate = n.add("SeparateXYZ")
        n.link(position, separate.inputs[0])
        dark, white = tuple(0.25 * np.array(colour)), (0.86, 0.84, 0.82)
        away = n.add("MapRange", **{"From Min": -1.0, "From Max": -0.6, "To Min": 0.0, "To Max": 1.0})
        n.link(separate.outputs["Y"], away.inputs["Value"])
        ring = n.ramp(away.outputs["Result"], (0.0, (0.004, 0.004, 0.004)), (0.055, (0.004, 0.004, 0.004)),
                      (0.075, dark), (0.22, colour), (0.32, dark), (0.36, white))  # fmt: skip
        n.link(ring, n.surface.inputs["Base Color"])
        n.set(Roughness=0.06, Specular_IOR_Level=0.6, Coat_Weight=1.0, Coat_Roughness=0.02)

    return build


MATERIALS = {
    "marble": marble,
    "bronze": bronze,
    "terracotta": terracotta,
    "plaster": flat((0.80, 0.76, 0.70), 0.75, 0.2, 0.15),
    "verdigris": verdigris,
    "wood": wood,
    "sandstone": rough_stone((0.62, 0.48, 0.33), (0.47, 0.35, 0.24), 9.0),
    "basalt": rough_stone((0.13, 0.13, 0.14), (0.07, 0.07, 0.08), 12.0),
    "clay": rough_stone((0.40, 0.38, 0.36), (0.33, 0.31, 0.29), 4.0),
    "avatar": skin((0.45, 0.45, 0.45), (0.40, 0.25, 0.25), 0.0),
    "skin-fair": skin((0.80, 0.52, 0.40), (0.55, 0.20, 0.17)),
    "skin-tan": skin((0.62, 0.36, 0.22), (0.42, 0.14, 0.11)),
    "skin-brown": skin((0.33, 0.16, 0.085), (0.22, 0.075, 0.06)),
    "doll": skin((0.80, 0.47, 0.34), (0.62, 0.13, 0.13), 0.0),
    "hair-black": flat((0.016, 0.012, 0.011), 0.42),
    "hair-brown": flat((0.085, 0.036, 0.016), 0.42),
    "hair-auburn": flat((0.30, 0.075, 0.022), 0.42),
    "hair-grey": flat((0.46, 0.45, 0.44), 0.5),
    "eyes-brown": iris((0.20, 0.085, 0.03)),
    "eyes-green": iris((0.14, 0.28, 0.12)),
    "eyes-blue": iris((0.10, 0.26, 0.45)),
    "knit-red": flat((0.45, 0.045, 0.04), 0.9, 0, 0.6),
    "knit-teal": flat((0.02, 0.20, 0.22), 0.9, 0, 0.6),
    "knit-mustard": flat((0.62, 0.32, 0.035), 0.9, 0, 0.6),
    "robe-blue": flat((0.03, 0.06, 0.18), 0.85, 0, 0.4),
}


def material(name: str, tint: tuple[float, float, float] | None = None):
    made = bpy.data.materials.new(name)
    nodes = Nodes(made)
    MATERIALS[name](nodes)
    if tint is not None:
        nodes.tint(tint)
    return made


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
