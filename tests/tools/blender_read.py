"""Opens a file in Blender and prints shape keys and bones at given frames as one line of JSON.

Usage: python blender_read.py FILE FPS FRAMES_JSON.
"""

from __future__ import annotations

import json
import sys
from importlib import import_module
from typing import Any


def main(path: str, fps: str, frames: str) -> None:
    bpy: Any = import_module("bpy")
    bpy.ops.wm.read_factory_settings(use_empty=True)
    bpy.context.scene.render.fps = int(fps)
    kind = path.rpartition(".")[2]
    if kind in ("glb", "gltf"):
        bpy.ops.import_scene.gltf(filepath=path)
    elif kind == "fbx":
        bpy.ops.import_scene.fbx(filepath=path, anim_offset=0.0)
    elif kind == "bvh":
        bpy.ops.import_anim.bvh(filepath=path, global_scale=0.01, frame_start=1, use_fps_scale=False)
    else:
        bpy.ops.wm.usd_import(filepath=path)
    scene = bpy.context.scene
    found: dict[str, Any] = {"fps": scene.render.fps / scene.render.fps_base, "at": []}
    found["range"] = sorted(
        {tuple(map(float, action.frame_range)) for action in bpy.data.actions}, key=lambda row: row[1]
    )[-1:]
    for frame in json.loads(frames):
        whole = int(frame // 1)
        scene.frame_set(whole, subframe=frame - whole)
        shapes = {
            key.name: {block.name: block.value for block in key.key_blocks[1:]} for key in bpy.data.shape_keys
        }
        bones = {}
        for item in bpy.data.objects:
            if item.type != "ARMATURE":
                continue
            for bone in item.pose.bones:
                # What the bone turns by in the world, against its rest.
                rest = (item.matrix_world @ bone.bone.matrix_local).to_quaternion()
                now = (item.matrix_world @ bone.matrix).to_quaternion()
                bones[bone.name] = list(now @ rest.inverted())
        found["at"].append({"shapes": shapes, "bones": bones})
    print(json.dumps(found))


if __name__ == "__main__":
    main(*sys.argv[1:])
