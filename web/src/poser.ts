/** Turning bones by VRM's names, whether the avatar is a VRM or a plain glTF with a skeleton. */

import type { VRM, VRMHumanBoneName } from "@pixiv/three-vrm";
import { Euler, type Object3D, Quaternion, Vector3 } from "three";

export interface Poser {
  /** -1 where the avatar's own front is -Z (VRM 0): pitch and roll change their signs. */
  readonly facing: number;
  has(name: string): boolean;
  /** Turns a bone away from its T-pose, rad, in axes of the avatar: x right, y up, z to the viewer. */
  turn(name: string, x: number, y: number, z: number): void;
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

  turn(name: string, x: number, y: number, z: number): void {
    this.vrm.humanoid.getNormalizedBoneNode(name as VRMHumanBoneName)?.rotation.set(x, y, z, "YXZ");
  }

  place(name: string): Vector3 | null {
    return this.vrm.humanoid.getRawBoneNode(name as VRMHumanBoneName)?.getWorldPosition(new Vector3()) ?? null;
  }
}

/** How plain skeletons call the bones that move here (Mixamo, Ready Player Me, Blender, MMD). */
const NAMES: Record<string, RegExp> = {
  head: /^(mixamorig)?(head|cc_base_head|頭|j_bip_c_head|def-?head)$/,
  neck: /^(mixamorig)?(neck|neck1|cc_base_necktwist01|首|j_bip_c_neck)$/,
  jaw: /^(mixamorig)?(jaw|jawroot|cc_base_jawroot|jaw_?master|lowerjaw|あご|顎)$/,
  leftEye: /^(mixamorig)?(lefteye|eye_?l|eye_?left|cc_base_l_eye|左目)$/,
  rightEye: /^(mixamorig)?(righteye|eye_?r|eye_?right|cc_base_r_eye|右目)$/,
  spine: /^(mixamorig)?(spine|cc_base_waist|上半身)$/,
  chest: /^(mixamorig)?(spine1|chest|cc_base_spine01|上半身2)$/,
  upperChest: /^(mixamorig)?(spine2|upper_?chest|cc_base_spine02)$/,
  leftUpperArm: /^(mixamorig)?(leftarm|left_?upper_?arm|upper_?arm_?l|cc_base_l_upperarm|左腕)$/,
  rightUpperArm: /^(mixamorig)?(rightarm|right_?upper_?arm|upper_?arm_?r|cc_base_r_upperarm|右腕)$/,
};

interface Joint {
  node: Object3D;
  rest: Quaternion;
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
    root.traverse((node) => {
      const name = node.name.toLowerCase().replace(/[:.\s-]/g, "");
      for (const [bone, pattern] of Object.entries(NAMES)) {
        if (this.joints.has(bone) || !pattern.test(name)) continue;
        const back = node.parent?.getWorldQuaternion(new Quaternion()) ?? new Quaternion();
        this.joints.set(bone, { node, rest: node.quaternion.clone(), back, axes: back.clone().invert() });
      }
    });
    this.lowerArms();
  }

  has(name: string): boolean {
    return this.joints.has(name);
  }

  turn(name: string, x: number, y: number, z: number): void {
    const joint = this.joints.get(name);
    if (!joint) return;
    this.turned.setFromEuler(this.euler.set(x, y, z, "YXZ"));
    joint.node.quaternion.copy(joint.axes).multiply(this.turned).multiply(joint.back).multiply(joint.rest);
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
      if (Math.abs(along.y) > 0.5 || along.x * side < 0.5) continue;
      this.turn(name, 0, 0, -1.2 * side);
      joint.rest.copy(joint.node.quaternion);
    }
  }
}
