"""Readers that are not ours (node, Blender, Godot), driven by tests."""
