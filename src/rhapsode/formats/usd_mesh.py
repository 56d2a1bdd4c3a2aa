"""The meshes of an avatar in USD: points at rest in the world, weights of joints, blend shapes, colours."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from rhapsode.avatars import Avatar, Material, Primitive

if TYPE_CHECKING:
    from rhapsode.formats.usd import Joints


def add_meshes(px: Any, stage: Any, joints: Joints) -> None:
    """Add every primitive of the body of ``joints`` below the root, bound to the skeleton."""
    from rhapsode.formats.usd import ROOT, plain

    materials: dict[int, Any] = {}
    for number, part in enumerate(joints.body.primitives):
        path = f"{ROOT}/mesh_{number}_{plain(part.name) or 'part'}"
        mesh = px.UsdGeom.Mesh.Define(stage, path)
        points = joints.body.rest_positions(part).astype(np.float32)
        linear = _linear(joints.body, part)
        mesh.CreatePointsAttr(px.Vt.Vec3fArray.FromNumpy(np.ascontiguousarray(points)))
        mesh.CreateExtentAttr([points.min(axis=0).tolist(), points.max(axis=0).tolist()])
        mesh.CreateFaceVertexCountsAttr(px.Vt.IntArray(len(part.triangles), 3))
        mesh.CreateFaceVertexIndicesAttr(px.Vt.IntArray.FromNumpy(part.triangles.ravel().astype(np.int32)))
        mesh.CreateSubdivisionSchemeAttr("none")
        normals = np.einsum("vij,vj->vi", linear, part.normals)
        normals /= np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), 1e-9)
        mesh.CreateNormalsAttr(px.Vt.Vec3fArray.FromNumpy(normals.astype(np.float32)))
        mesh.SetNormalsInterpolation("vertex")
        material = joints.body.materials[part.material]
        mesh.CreateDoubleSidedAttr(material.double_sided)
        _bind(px, mesh, joints, part)
        _shapes(px, stage, mesh, part, linear)
        if part.material not in materials:
            name = f"{ROOT}/material_{part.material}_{plain(material.name)}"
            materials[part.material] = _material(px, stage, name, material)
        px.UsdShade.MaterialBindingAPI.Apply(mesh.GetPrim()).Bind(materials[part.material])


def _linear(avatar: Avatar, part: Primitive) -> NDArray[np.float64]:
    """Return what turns directions of the mesh into directions of the world at rest, (V, 3, 3)."""
    if part.skin < 0:
        return np.broadcast_to(avatar.rest_world[part.node][:3, :3], (len(part.positions), 3, 3))
    skin = avatar.skins[part.skin]
    joint = (avatar.rest_world[skin.joints] @ skin.inverse_bind)[:, :3, :3]
    return np.asarray(np.einsum("vk,vkij->vij", part.weights.astype(np.float64), joint[part.joints]))


def _bind(px: Any, mesh: Any, joints: Joints, part: Primitive) -> None:
    from rhapsode.formats.usd import ROOT

    binding = px.UsdSkel.BindingAPI.Apply(mesh.GetPrim())
    binding.CreateSkeletonRel().SetTargets([f"{ROOT}/Skeleton"])
    if part.skin < 0:
        indices = np.full((len(part.positions), 1), joints.places[part.node], np.int32)
        weights = np.ones((len(part.positions), 1), np.float32)
    else:
        skin = joints.body.skins[part.skin]
        indices = joints.places[skin.joints][part.joints].astype(np.int32)
        weights = part.weights
    width = indices.shape[1]
    indices, weights = np.ascontiguousarray(indices.ravel()), np.ascontiguousarray(weights.ravel())
    binding.CreateJointIndicesPrimvar(False, width).Set(px.Vt.IntArray.FromNumpy(indices))
    binding.CreateJointWeightsPrimvar(False, width).Set(px.Vt.FloatArray.FromNumpy(weights))


def _shapes(px: Any, stage: Any, mesh: Any, part: Primitive, linear: NDArray[np.float64]) -> None:
    from rhapsode.formats.usd import plain

    if not part.morphs:
        return
    targets = []
    for number, (name, morph) in enumerate(part.morphs.items()):
        shape = px.UsdSkel.BlendShape.Define(stage, f"{mesh.GetPath()}/{plain(name) or 'shape'}_{number}")
        offsets = np.einsum("vij,vj->vi", linear[morph.vertices], morph.offsets).astype(np.float32)
        shape.CreateOffsetsAttr(px.Vt.Vec3fArray.FromNumpy(np.ascontiguousarray(offsets)))
        shape.CreatePointIndicesAttr(px.Vt.IntArray.FromNumpy(np.ascontiguousarray(morph.vertices)))
        targets.append(shape.GetPath())
    binding = px.UsdSkel.BindingAPI(mesh.GetPrim())
    binding.CreateBlendShapesAttr(list(part.morphs))
    binding.CreateBlendShapeTargetsRel().SetTargets(targets)


def _material(px: Any, stage: Any, path: str, material: Material) -> Any:
    made = px.UsdShade.Material.Define(stage, path)
    shader = px.UsdShade.Shader.Define(stage, f"{path}/surface")
    shader.CreateIdAttr("UsdPreviewSurface")
    colour = material.colour[:3].astype(np.float64)
    if material.texture is not None:
        seen = material.texture[..., 3:] / 255.0
        mean = (material.texture[..., :3] / 255.0 * seen).sum(axis=(0, 1)) / max(float(seen.sum()), 1e-6)
        colour = colour * mean**2.2
    red, green, blue = colour.tolist()
    kinds = px.Sdf.ValueTypeNames
    shader.CreateInput("diffuseColor", kinds.Color3f).Set(px.Gf.Vec3f(red, green, blue))
    shader.CreateInput("roughness", kinds.Float).Set(float(material.roughness))
    made.CreateSurfaceOutput().ConnectToSource(shader.ConnectableAPI(), "surface")
    return made
