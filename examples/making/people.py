"""The heads of the shop window: who they are, what they are made of and how they are lit."""

from dataclasses import replace

from scene import Hair, Head

BACK_SWEPT = (0.0, 7.9, 1.6)  # a crown before the forehead makes hair run backwards

HEADS = {
    "marble": Head(
        targets={"macrodetails/caucasian-male-young": 1.0, "head/head-scale-depth-incr": 0.3},
        hair=Hair(count=420, length=0.45, radius=0.055, curl=2.6),
        skin="marble",
        hair_material="marble",
        eye_material="marble",
        backdrop=(0.10, 0.115, 0.135),
        lights=(0.85, 0.06, 0.7),
        voxel=0.012,
    ),
    "bronze": Head(
        targets={"macrodetails/african-female-young": 1.0},
        hair=Hair(count=340, length=0.8, radius=0.06, curl=0.3, wave=0.5, crown=BACK_SWEPT, gravity=0.0),
        skin="bronze",
        hair_material="bronze",
        eye_material="bronze",
        backdrop=(0.30, 0.27, 0.23),
    ),
    "terracotta": Head(
        targets={"macrodetails/asian-male-old": 0.8, "macrodetails/caucasian-male-young": 0.2},
        hair=Hair(count=300, length=0.5, radius=0.065, curl=0.9, crown=(0.5, 8.3, 0.6), gravity=0.05),
        skin="terracotta",
        hair_material="terracotta",
        eye_material="terracotta",
        backdrop=(0.16, 0.20, 0.19),
        turn=-10.0,
    ),
    "avatar-girl": Head(
        targets={
            "macrodetails/asian-female-young": 1.0,
            "eyes/?-eye-scale-incr": 1.3,
            "head/head-round": 0.4,
            "nose/nose-scale-horiz-decr": 0.4,
        },
        hair=Hair(
            count=320,
            length=1.7,
            radius=0.085,
            curl=0.2,
            wave=0.25,
            lift=0.1,
            front=0.6,
            crown=(-0.3, 8.0, 1.5),
            gravity=0.12,
        ),
        skin="doll",
        hair_material="hair-auburn",
        eye_material="eyes-green",
        cloth="knit-teal",
        brows=0.032,
        backdrop=(0.78, 0.55, 0.34),
        turn=8.0,
        lights=(0.7, 0.3, 0.7),
    ),
    "avatar-boy": Head(
        targets={
            "macrodetails/african-male-young": 0.8,
            "eyes/?-eye-scale-incr": 1.0,
            "head/head-round": 0.4,
        },
        hair=Hair(
            count=300, length=0.5, radius=0.085, curl=1.0, lift=0.12, front=0.62, crown=(-0.8, 8.2, 0.9), gravity=0.0
        ),
        skin="skin-brown",
        hair_material="hair-black",
        eye_material="eyes-brown",
        cloth="knit-mustard",
        brows=0.04,
        backdrop=(0.30, 0.52, 0.62),
        turn=-9.0,
        lights=(1.2, 0.5, 0.9),
    ),
}

# What an editor of expressions does badly at, for the model card.
SHUT = {f"expression/units/asian/eye-{side}-closure": 1.0 for side in ("left", "right")}
HEADS |= {
    "turned": replace(HEADS["avatar-boy"], turn=50.0, frame_height=3.8),
    "eyes-closed": replace(HEADS["avatar-girl"], targets=HEADS["avatar-girl"].targets | SHUT),
}
