"""Runs scripts/blender_import.py in Blender on a small face and prints what became of it as one line of JSON.

Usage: python blender_import_take.py SCRIPT TAKE FRAMES_JSON.
"""

from __future__ import annotations

import importlib.util
import json
import sys
from importlib import import_module
from typing import Any


def main(script: str, take: str, frames: str) -> None:
    bpy: Any = import_module("bpy")
    bpy.ops.wm.read_factory_settings(use_empty=True)
    spec = importlib.util.spec_from_file_location("blender_import", script)
    assert spec is not None
    assert spec.loader is not None
    module: Any = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    module.register()
    result: dict[str, Any] = {"faults": []}
    for attempt in (take, take + ".txt"):
        try:
            module.import_take(attempt)
        except module.ImportFault as fault:
            result["faults"].append(str(fault))
    for name, keys in (
        ("face", ["jawOpen", "MouthSmile_L", "still"]),
        ("brows", ["Face.browInnerUp", "jaw_open"]),
    ):
        mesh = bpy.data.meshes.new(name)
        mesh.from_pydata([(0, 0, 0), (1, 0, 0), (0, 1, 0)], [], [(0, 1, 2)])
        item = bpy.data.objects.new(name, mesh)
        bpy.context.collection.objects.link(item)
        item.shape_key_add(name="Basis")
        for key in keys:
            item.shape_key_add(name=key)
        item.select_set(True)
    first = bpy.data.objects["face"].data.shape_keys
    first.key_blocks["still"].keyframe_insert("value", frame=3)
    first.animation_data.action.name = "before"
    bpy.ops.import_anim.rhapsode(filepath=take)
    done = module.import_take(take, list(bpy.data.objects))
    scene = bpy.context.scene
    result.update(
        moved=done["moved"], left=len(done["left"]), actions=sorted(a.name for a in bpy.data.actions)
    )
    result["fps"] = scene.render.fps / scene.render.fps_base
    result["range"] = [scene.frame_start, scene.frame_end]
    editor = scene.sequence_editor
    strips = [] if editor is None else getattr(editor, "strips", None) or editor.sequences
    result["strips"] = [[strip.name, strip.frame_start] for strip in strips]
    result["at"] = []
    for frame in json.loads(frames):
        scene.frame_set(int(frame // 1), subframe=frame % 1)
        result["at"].append(
            {k.name: {b.name: b.value for b in k.key_blocks[1:]} for k in bpy.data.shape_keys}
        )
    module.unregister()
    print(json.dumps(result))


if __name__ == "__main__":
    main(*sys.argv[1:])
