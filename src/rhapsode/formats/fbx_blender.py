"""Turns an animated .glb into .fbx; runs in a Python that has bpy, started by `rhapsode.formats.fbx`.

Usage: python fbx_blender.py IN.glb OUT.fbx FRAMES_PER_SECOND FRAMES.
"""

from __future__ import annotations

import sys
from fractions import Fraction
from importlib import import_module
from typing import Any


def convert(source: str, target: str, rate: float, frames: int) -> None:
    """Import ``source`` at ``rate`` frames a second and export it with one key each frame."""
    bpy: Any = import_module("bpy")
    bpy.ops.wm.read_factory_settings(use_empty=True)
    exact = Fraction(rate).limit_denominator(1001)
    render = bpy.context.scene.render
    # Blender's rate is fps / fps_base, but its glTF importer makes frames of times by fps alone.
    render.fps = max(round(rate), 1)
    bpy.ops.import_scene.gltf(filepath=source, bone_heuristic="BLENDER")
    render.fps_base = render.fps / float(exact)
    for action in bpy.data.actions:
        _put_on_frames(action, float(exact) / render.fps)
    scene = bpy.context.scene
    scene.frame_start, scene.frame_end = 0, max(frames - 1, 1)
    for item in [*bpy.data.objects, *(mesh.shape_keys for mesh in bpy.data.meshes if mesh.shape_keys)]:
        _play_alone(item)
    bpy.ops.export_scene.fbx(
        filepath=target,
        object_types={"ARMATURE", "MESH", "EMPTY"},
        add_leaf_bones=False,
        bake_anim=True,
        bake_anim_use_all_actions=False,
        bake_anim_use_nla_strips=False,
        bake_anim_simplify_factor=0.0,
        path_mode="COPY",
        embed_textures=True,
        use_mesh_modifiers=False,
    )


def _put_on_frames(action: Any, scale: float) -> None:
    """Move every key of ``action`` to the whole frame that it stands for."""
    for layer in action.layers:
        for strip in layer.strips:
            for bag in strip.channelbags:
                for curve in bag.fcurves:
                    for point in curve.keyframe_points:
                        point.co.x = round(point.co.x * scale)
                    curve.update()


def _play_alone(item: Any) -> None:
    """Make the imported action of ``item`` the one that plays, instead of a strip."""
    data = item.animation_data
    if data is None:
        return
    for track in list(data.nla_tracks):
        for strip in track.strips:
            if data.action is None and strip.action is not None:
                data.action = strip.action
                if getattr(strip, "action_slot", None) is not None:
                    data.action_slot = strip.action_slot
        data.nla_tracks.remove(track)


if __name__ == "__main__":
    convert(sys.argv[1], sys.argv[2], float(sys.argv[3]), int(sys.argv[4]))
