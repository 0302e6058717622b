"""Drawn objects with transparency, composited on photographs while a small net is trained.

A net that learns from two sources of photographs learns the source. These objects can be laid on
any photograph, so that the object is the only thing the label follows. Distractors share hands,
materials, shapes and smoke with the weapons and cigarettes: none of these alone tells.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from audit.sprites import everyday, gadgets, guns, smoking, sticks, tools
from audit.sprites.render import Scene, render

_DRAW: dict[str, tuple[str | None, Callable[[Scene], None]]] = {
    "pistol": ("weapon", guns.pistol),
    "revolver": ("weapon", guns.revolver),
    "rifle": ("weapon", guns.rifle),
    "long_gun": ("weapon", guns.long_gun),
    "pistol_hand": ("weapon", guns.pistol_hand),
    "gun_pointed": ("weapon", guns.pointed),
    "cigarette": ("smoking", smoking.cigarette),
    "cigarette_fingers": ("smoking", smoking.cigarette_fingers),
    "cigarette_lips": ("smoking", smoking.cigarette_lips),
    "cigarette_smoke": ("smoking", smoking.cigarette_smoke),
    "cigar": ("smoking", smoking.cigar),
    "pipe": ("smoking", smoking.pipe),
    "vape": ("smoking", smoking.vape),
    "phone_fingers": (None, everyday.phone_fingers),
    "phone_cheek": (None, everyday.phone_cheek),
    "cup": (None, everyday.cup),
    "glass_hand": (None, everyday.glass_hand),
    "bottle": (None, everyday.bottle),
    "straw_cup": (None, everyday.straw_cup),
    "pen": (None, sticks.pen),
    "white_stick": (None, sticks.straw_stick),
    "lipstick": (None, sticks.lipstick),
    "toothbrush": (None, sticks.toothbrush),
    "lollipop": (None, sticks.lollipop),
    "microphone": (None, everyday.microphone),
    "hand_mouth": (None, everyday.hand_mouth),
    "hand_face": (None, everyday.hand_face),
    "drill": (None, tools.drill),
    "hair_dryer": (None, tools.hair_dryer),
    "hammer": (None, tools.hammer),
    "screwdriver": (None, tools.screwdriver),
    "wrench": (None, tools.wrench),
    "camera": (None, gadgets.camera),
    "binoculars": (None, gadgets.binoculars),
    "umbrella": (None, gadgets.umbrella),
    "remote": (None, gadgets.remote),
    "keys": (None, gadgets.keys),
    "flashlight": (None, tools.flashlight),
    "controller": (None, gadgets.controller),
    "steam": (None, everyday.steam),
    "plank": (None, tools.plank),
    "bracket": (None, tools.bracket),
}

KINDS: dict[str, str | None] = {kind: concept for kind, (concept, _) in _DRAW.items()}
"""Sprite kind -> concept it shows, None for a harmless distractor."""


def sprite(kind: str, seed: int, size: int = 128) -> NDArray[np.uint8]:
    """Draw one object: random shape, materials, light and viewpoint, the same for the same seed.

    kind     one of KINDS
    seed     >= 0
    size     longest side in pixels, >= 8
    returns  [h, w, 4] uint8 RGBA, straight alpha, tightly cropped, max(h, w) == size
    raises   KeyError for an unknown kind, ValueError when size < 8
    """
    if size < 8:
        raise ValueError(f"sprite size {size} is below 8 pixels")
    draw = _DRAW[kind][1]
    # The kind's place in KINDS enters the seed, so equal seeds give unrelated kinds other dice.
    scene = Scene(np.random.default_rng((list(KINDS).index(kind), seed)))
    draw(scene)
    return render(scene, size)


def pool(concept: str | None, count: int, seed: int, size: int = 128) -> list[NDArray[np.uint8]]:
    """Draw `count` objects of a concept (None: distractors), kinds in turn.

    returns  list of [h, w, 4] uint8, see `sprite`
    raises   ValueError when no kind shows the concept
    """
    kinds = [kind for kind, shown in KINDS.items() if shown == concept]
    if not kinds:
        raise ValueError(f"no sprite shows {concept!r}; known: weapon, smoking, None")
    return [sprite(kinds[k % len(kinds)], seed * 1_000_003 + k, size) for k in range(count)]
