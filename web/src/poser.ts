/** Turning bones by VRM's names, whether the avatar is a VRM or a plain glTF with a skeleton. */

import type { VRM, VRMHumanBoneName } from "@pixiv/three-vrm";
import { type Bone, Euler, type Object3D, Quaternion, Vector3 } from "three";
import { Index } from "./spelling.ts";
import tables from "./tables.json";

export interface Poser {
  /** -1 where the avatar's own front is -Z (VRM 0): pitch and roll change their signs. */
  readonly facing: number;
  has(name: string): boolean;
  /** The bone itself. */
  node(name: string): Object3D | null;
  /** Turns a bone away from its T-pose, rad, in axes of the avatar: x right, y up, z to the viewer. */
  turn(name: string, x: number, y: number, z: number): void;
  /** How a bone is turned now, as `pose` takes it. */
  posed(name: string, out: Quaternion): Quaternion | null;
  /** Turns a bone away from its T-pose, in glTF's axes of a VRM 1.0: x left, y up, z forward. */
  pose(name: string, turn: Quaternion): void;
  /** Where a bone is, m. */
  place(name: string): Vector3 | null;
}

export class VrmPoser implements Poser {
  readonly facing: number;

  constructor(private readonly vrm: VRM) {
    this.facing = vrm.meta?.metaVersion === "0" ? -1 : 1;
  }

  has(name: string): boolean {
    return this.vrm.humanoid.getNormalizedBoneNode(name as VRMHumanBoneName) !== null;
  }

  node(name: string): Object3D | null {
    return this.vrm.humanoid.getRawBoneNode(name as VRMHumanBoneName);
  }

  turn(name: string, x: number, y: number, z: number): void {
    this.vrm.humanoid.getNormalizedBoneNode(name as VRMHumanBoneName)?.rotation.set(x, y, z, "YXZ");
  }

  posed(name: string, out: Quaternion): Quaternion | null {
    const node = this.vrm.humanoid.getNormalizedBoneNode(name as VRMHumanBoneName);
    if (!node) return null;
    const { x, y, z, w } = node.quaternion;
    return out.set(x * this.facing, y, z * this.facing, w);
  }

  pose(name: string, turn: Quaternion): void {
    const node = this.vrm.humanoid.getNormalizedBoneNode(name as VRMHumanBoneName);
    node?.quaternion.set(turn.x * this.facing, turn.y, turn.z * this.facing, turn.w);
  }

  place(name: string): Vector3 | null {
    return this.vrm.humanoid.getRawBoneNode(name as VRMHumanBoneName)?.getWorldPosition(new Vector3()) ?? null;
  }
}

/** How plain skeletons call the bones that move here, by VRM's names. */
const NAMES: Record<string, readonly string[]> = { ...tables.bones, upperChest: ["spine2", "upperchest"] };

interface Joint {
  node: Object3D;
  rest: Quaternion;
  /** How it is turned in the T-pose. */
  level: Quaternion;
  /** From the axes of the world to those of the bone's parent, both at rest. */
  axes: Quaternion;
  back: Quaternion;
}

export class PlainPoser implements Poser {
  readonly facing = 1;
  private readonly joints = new Map<string, Joint>();
  private readonly turned = new Quaternion();
  private readonly euler = new Euler(0, 0, 0, "YXZ");

  constructor(root: Object3D) {
    root.updateMatrixWorld(true);
    const nodes = new Map<string, Object3D>();
    const joints = new Set<Object3D>();
    root.traverse((node) => {
      if ((node as Bone).isBone) joints.add(node);
    });
    root.traverse((node) => {
      const name = (node.userData["name"] as string | undefined) ?? node.name;
      const held = nodes.get(name);
      if (!held || (joints.has(node) && !joints.has(held))) nodes.set(name, node);
    });
    const index = new Index(nodes.keys());
    for (const [bone, spellings] of Object.entries(NAMES)) {
      const name = spellings.map((word) => index.find(word)[0]).find((found) => found !== undefined);
      const node = name === undefined ? undefined : nodes.get(name);
      if (!node) continue;
      const back = node.parent?.getWorldQuaternion(new Quaternion()) ?? new Quaternion();
      const rest = node.quaternion.clone();
      this.joints.set(bone, { node, rest, level: rest.clone(), back, axes: back.clone().invert() });
    }
    this.lowerArms();
  }

  has(name: string): boolean {
    return this.joints.has(name);
  }

  node(name: string): Object3D | null {
    return this.joints.get(name)?.node ?? null;
  }

  turn(name: string, x: number, y: number, z: number): void {
    const joint = this.joints.get(name);
    if (!joint) return;
    this.turned.setFromEuler(this.euler.set(x, y, z, "YXZ"));
    joint.node.quaternion.copy(joint.axes).multiply(this.turned).multiply(joint.back).multiply(joint.rest);
  }

  posed(name: string, out: Quaternion): Quaternion | null {
    const joint = this.joints.get(name);
    if (!joint) return null;
    const { node, axes, back, level } = joint;
    return out.copy(back).multiply(node.quaternion).multiply(this.turned.copy(level).invert()).multiply(axes);
  }

  pose(name: string, turn: Quaternion): void {
    const joint = this.joints.get(name);
    if (!joint) return;
    joint.node.quaternion.copy(joint.axes).multiply(turn).multiply(joint.back).multiply(joint.level);
  }

  place(name: string): Vector3 | null {
    return this.joints.get(name)?.node.getWorldPosition(new Vector3()) ?? null;
  }

  /** Brings arms that stand out level down to the sides, and lets them rest there. */
  private lowerArms(): void {
    for (const [name, side] of [["leftUpperArm", 1], ["rightUpperArm", -1]] as const) {
      const joint = this.joints.get(name);
      const hand = joint?.node.children.find((child) => child.position.lengthSq() > 1e-8);
      if (!joint || !hand) continue;
      const along = hand.getWorldPosition(new Vector3()).sub(joint.node.getWorldPosition(new Vector3())).normalize();
      const raised = new Quaternion().setFromUnitVectors(along, new Vector3(side, 0, 0));
      joint.level.copy(joint.axes).multiply(raised).multiply(joint.back).multiply(joint.rest);
      if (Math.abs(along.y) > 0.5 || along.x * side < 0.5) continue;
      this.turn(name, 0, 0, -1.2 * side);
      joint.rest.copy(joint.node.quaternion);
    }
  }
}
