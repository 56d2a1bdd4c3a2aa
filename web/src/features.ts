/** What an avatar's file has to move a face with: living morph targets, expressions made of them, jaw and eyes. */

import type { VRM, VRMExpressionMorphTargetBind } from "@pixiv/three-vrm";
import { type BufferAttribute, Mesh, type Object3D, type SkinnedMesh, Vector3 } from "three";
import type { Pairs } from "./mouth.ts";
import tables from "./tables.json";

export interface Feature {
  weights: number[];
  index: number;
}

export interface Jaw {
  node: Object3D;
  /** How far it turns for a wide open mouth, and to a side, rad. */
  open: number;
  side: number;
}

/** Where each living morph target lies, by name. */
export function morphTargets(scene: Object3D): Map<string, Feature[]> {
  const found = new Map<string, Feature[]>();
  scene.traverse((object) => {
    if (!(object instanceof Mesh) || !object.morphTargetDictionary || !object.morphTargetInfluences) return;
    for (const [name, index] of Object.entries(object.morphTargetDictionary)) {
      if (!lives(object, index)) continue;
      const rows = found.get(name) ?? [];
      rows.push({ weights: object.morphTargetInfluences, index });
      found.set(name, rows);
    }
  });
  return found;
}

/** Exporters keep empty morph targets, which would play nothing. */
function lives(mesh: Mesh, index: number): boolean {
  const moved = mesh.geometry.morphAttributes["position"]?.[index];
  if (!moved) return false;
  mesh.geometry.computeBoundingBox();
  const size = mesh.geometry.boundingBox?.getSize(new Vector3()) ?? new Vector3(1, 1, 1);
  const least = tables.empty * Math.max(size.x, size.y, size.z);
  for (let row = 0; row < moved.count; row += 1) {
    if (Math.max(Math.abs(moved.getX(row)), Math.abs(moved.getY(row)), Math.abs(moved.getZ(row))) > least) return true;
  }
  return false;
}

/** The morph targets that each expression of a VRM moves; colours and textures are left out. */
export function expressions(vrm: VRM | null, living: ReadonlyMap<string, unknown>): Map<string, Pairs> {
  const made = new Map<string, Pairs>();
  for (const expression of vrm?.expressionManager?.expressions ?? []) {
    const pairs = new Map<string, number>();
    for (const bind of expression.binds) {
      const { primitives, index, weight } = bind as Partial<VRMExpressionMorphTargetBind>;
      const names = primitives?.[0]?.morphTargetDictionary ?? {};
      const name = Object.keys(names).find((candidate) => names[candidate] === index);
      if (name !== undefined && living.has(name)) pairs.set(name, weight ?? 1);
    }
    if (pairs.size) made.set(expression.expressionName, [...pairs]);
  }
  return made;
}

/** Vertices at rest that follow a bone, or one below it, by more than half. */
function followers(scene: Object3D, node: Object3D): Vector3[] {
  const below = new Set<Object3D>();
  node.traverse((child) => below.add(child));
  const found: Vector3[] = [];
  scene.traverse((object) => {
    if (!(object instanceof Mesh)) return;
    const place = object.geometry.getAttribute("position") as BufferAttribute;
    const skinned = object as unknown as SkinnedMesh;
    const joints = object.geometry.getAttribute("skinIndex") as BufferAttribute | undefined;
    const weights = object.geometry.getAttribute("skinWeight") as BufferAttribute | undefined;
    const rigid = !joints && below.has(object);
    if (!rigid && (!joints || !weights || !skinned.skeleton?.bones.some((bone) => below.has(bone)))) return;
    for (let row = 0; row < place.count; row += 1) {
      let share = rigid ? 1 : 0;
      for (let k = 0; k < 4 && joints && weights; k += 1) {
        const bone = skinned.skeleton.bones[joints.getComponent(row, k)];
        if (bone && below.has(bone)) share += weights.getComponent(row, k);
      }
      if (share > 0.5) found.push(object.localToWorld(object.getVertexPosition(row, new Vector3())));
    }
  });
  return found;
}

export function moves(scene: Object3D, node: Object3D | null): boolean {
  return node !== null && followers(scene, node).length > 0;
}

/**
 * How a bone opens the mouth, from where its vertices are; null if it is no jaw. Files of VRM 0.x often declare
 * a lock of hair as the jaw.
 */
export function measureJaw(scene: Object3D, node: Object3D, head: Object3D | null, eyes: readonly Vector3[]): Jaw | null {
  const points = followers(scene, node);
  if (points.length < 3) return null;
  const pivot = node.getWorldPosition(new Vector3());
  const skull = head ? followers(scene, head) : [];
  const heights = skull.map(({ y }) => y);
  const middle = skull.length > points.length ? 0.5 * (least(heights) + most(heights)) : Number.POSITIVE_INFINITY;
  const level = eyes.length ? eyes.reduce((sum, { y }) => sum + y, 0) / eyes.length : middle;
  const { drop, sideways, usual } = tables.jaw;
  if (median(points.map(({ y }) => y)) > level || most(points.map(({ z }) => z)) <= pivot.z) return null;
  if (!Number.isFinite(level)) return { node, open: usual, side: usual * sideways };
  const depth = points.map(({ z }) => z).sort((a, b) => a - b)[Math.floor(points.length * 0.6)] ?? 0;
  const chin = points.filter(({ z }) => z >= depth).reduce((low, point) => (point.y < low.y ? point : low));
  const lever = Math.hypot(chin.y - pivot.y, chin.z - pivot.z);
  if (lever <= 0) return { node, open: usual, side: usual * sideways };
  const turn = Math.asin(Math.min((drop * (level - chin.y)) / lever, 1));
  const open = Math.min(Math.max(turn, tables.jaw.least), tables.jaw.most);
  return { node, open, side: open * sideways };
}

function least(values: readonly number[]): number {
  return values.reduce((a, b) => Math.min(a, b), Number.POSITIVE_INFINITY);
}

function most(values: readonly number[]): number {
  return values.reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY);
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[sorted.length >> 1] ?? 0;
}
