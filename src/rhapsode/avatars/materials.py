"""Materials of a glTF: colours, pictures and how a surface wants to be lit."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from rhapsode.avatars import vrm
from rhapsode.avatars.avatar import SHADINGS, Material
from rhapsode.avatars.gltf import GltfFile


def material(file: GltfFile, index: int) -> Material:
    """Return material ``index`` of the file."""
    row = file.item("materials", index)
    pbr, extensions = row.get("pbrMetallicRoughness", {}), row.get("extensions", {})
    own = (row.get("extras") or {}).get("rhapsode", {})
    shade = vrm.toon_shade(file.json, index)
    shading = str(own.get("shading", ""))
    if shading not in SHADINGS:
        plain = "unlit" if "KHR_materials_unlit" in extensions else _guess_shading(row.get("name", ""))
        shading = "toon" if shade is not None else plain
    texture, wrap = None, (True, True)
    if "baseColorTexture" in pbr:
        texture, wrap = _texture(file, pbr["baseColorTexture"]["index"])
    return Material(
        str(row.get("name", "")),
        np.array(pbr.get("baseColorFactor", (1, 1, 1, 1)), np.float32),
        texture,
        row.get("alphaMode", "OPAQUE"),
        float(row.get("alphaCutoff", 0.5)),
        bool(row.get("doubleSided", False)),
        shading,
        np.array(shade or (1, 1, 1), np.float32),
        np.array(
            row.get("emissiveFactor", (0, 0, 0)) if "emissiveTexture" not in row else (0, 0, 0), np.float32
        ),
        wrap,
        own,
        float(pbr.get("roughnessFactor", 0.5)),
    )


_SHADING_WORDS = {
    "lash": ("lash",),
    "hair": ("hair", "beard", "brow"),
    "mouth": ("teeth", "tooth", "tongue", "gum"),
    "eye": ("eyeball", "sclera", "iris", "_eye", "eyes"),
    "skin": ("skin", "_face", "head"),
    "cloth": ("cloth", "outfit", "shirt", "trousers", "jacket"),
}


def _guess_shading(name: str) -> str:
    """Return the shading that a material's name speaks of, for files that do not declare it."""
    return next(
        (s for s, words in _SHADING_WORDS.items() if any(w in name.lower() for w in words)), "default"
    )


def _texture(file: GltfFile, index: int) -> tuple[NDArray[np.uint8] | None, tuple[bool, bool]]:
    row = file.item("textures", index)
    sampler = file.item("samplers", row["sampler"]) if "sampler" in row else {}
    clamp = 33071
    wrap = (sampler.get("wrapS", 0) != clamp, sampler.get("wrapT", 0) != clamp)
    others = (row.get("extensions", {}).get(name, {}) for name in ("EXT_texture_webp", "EXT_texture_avif"))
    source = row.get("source", next((other["source"] for other in others if "source" in other), None))
    return (file.picture(source), wrap) if source is not None else (None, wrap)
