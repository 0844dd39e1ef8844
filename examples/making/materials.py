"""What a head is made of: stones, metals, skins, hair, eyes and cloth, as Blender shader nodes."""

import bpy
import numpy as np


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
