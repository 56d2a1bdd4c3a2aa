/** A VRM avatar whose face follows the 61 channels of the canonical rig. */

import { type VRM, type VRMHumanBoneName, VRMLoaderPlugin, VRMUtils } from "@pixiv/three-vrm";
import { Box3, type Material, Mesh, type Object3D, type SkinnedMesh, Vector3 } from "three";
import { GLTFLoader } from "three/addons/loaders/GLTFLoader.js";
import { tune } from "./shading.ts";

interface Slot {
  weights: number[];
  index: number;
  channel: number;
}

/** What VRM's own expressions make of the ARKit channels, for avatars without them. */
const MIXES: Record<string, Record<string, number>> = {
  aa: { jawOpen: 1.5 },
  ou: { mouthPucker: 0.9 },
  oh: { mouthFunnel: 0.8 },
  ih: { mouthStretchLeft: 0.5, mouthStretchRight: 0.5 },
  ee: { mouthLowerDownLeft: 0.35, mouthLowerDownRight: 0.35 },
  happy: { mouthSmileLeft: 0.2, mouthSmileRight: 0.2 },
  blinkLeft: { eyeBlinkLeft: 1 },
  blinkRight: { eyeBlinkRight: 1 },
};
const BOTH = { eyeBlinkLeft: 0.5, eyeBlinkRight: 0.5 };

/** Head angles are shared out over the neck and the head. */
const NECK = 0.4;

function spelled(name: string): string {
  return name
    .replace(/[_.][lL]$/, "Left")
    .replace(/[_.][rR]$/, "Right")
    .replace(/^.*\./, "")
    .replace(/[^a-z0-9]/gi, "")
    .toLowerCase();
}

export class Avatar {
  readonly object: Object3D;
  private readonly slots: Slot[] = [];
  private readonly custom: [name: string, channel: number][] = [];
  private readonly mixes: [name: string, terms: [channel: number, gain: number][]][] = [];
  private readonly at: Map<string, number>;
  private readonly eyesByShape: boolean;
  /** VRM 0 models face -Z and are turned round: pitch and roll change their signs. */
  private readonly facing: number;
  private time = 0;

  private constructor(
    private readonly vrm: VRM,
    names: readonly string[],
  ) {
    this.object = vrm.scene;
    this.at = new Map(names.map((name, index) => [name, index]));
    this.facing = vrm.meta?.metaVersion === "0" ? -1 : 1;
    const found = this.bind(names.slice(0, 52));
    this.eyesByShape = ["eyeLookInLeft", "eyeLookOutLeft", "eyeLookUpLeft", "eyeLookDownLeft"].every((name) =>
      found.has(name),
    );
    this.standIn(found);
    if (vrm.lookAt) vrm.lookAt.autoUpdate = false;
    this.pose();
  }

  static async load(url: string, names: readonly string[], anisotropy: number): Promise<Avatar> {
    const loader = new GLTFLoader();
    loader.register((parser) => new VRMLoaderPlugin(parser));
    const gltf = await loader.loadAsync(url);
    const vrm = gltf.userData["vrm"] as VRM | undefined;
    if (!vrm) throw new Error("the file is no VRM avatar");
    VRMUtils.removeUnnecessaryVertices(vrm.scene);
    VRMUtils.combineSkeletons(vrm.scene);
    VRMUtils.rotateVRM0(vrm);
    vrm.scene.traverse((object) => {
      if (!(object instanceof Mesh)) return;
      object.frustumCulled = false;
      object.castShadow = true;
      object.receiveShadow = true;
      const materials = (Array.isArray(object.material) ? object.material : [object.material]) as Material[];
      for (const material of materials) tune(material, anisotropy);
    });
    return new Avatar(vrm, names);
  }

  /** Finds the morph targets, or else the custom expressions, that are called like ARKit's shapes. */
  private bind(names: readonly string[]): Set<string> {
    const wanted = new Map(names.map((name, index) => [spelled(name), index]));
    const found = new Set<string>();
    this.vrm.scene.traverse((object) => {
      const mesh = object as SkinnedMesh;
      if (!mesh.morphTargetDictionary || !mesh.morphTargetInfluences) return;
      for (const [name, index] of Object.entries(mesh.morphTargetDictionary)) {
        const channel = wanted.get(spelled(name));
        if (channel === undefined) continue;
        this.slots.push({ weights: mesh.morphTargetInfluences, index, channel });
        found.add(names[channel] as string);
      }
    });
    for (const expression of this.vrm.expressionManager?.expressions ?? []) {
      const channel = wanted.get(spelled(expression.expressionName));
      if (channel === undefined || found.has(names[channel] as string)) continue;
      this.custom.push([expression.expressionName, channel]);
    }
    for (const [, channel] of this.custom) found.add(names[channel] as string);
    return found;
  }

  /** Lets VRM's presets stand in for the channels that nothing plays. */
  private standIn(found: Set<string>): void {
    const manager = this.vrm.expressionManager;
    if (!manager) return;
    const table: Record<string, Record<string, number>> = { ...MIXES };
    if (!manager.getExpression("blinkLeft")) table["blink"] = BOTH;
    for (const [name, mix] of Object.entries(table)) {
      if (!manager.getExpression(name)) continue;
      const terms = Object.entries(mix)
        .filter(([channel]) => !found.has(channel) && this.at.has(channel))
        .map(([channel, gain]): [number, number] => [this.at.get(channel) as number, gain]);
      if (terms.length) this.mixes.push([name, terms]);
    }
  }

  /** Brings the arms down from the T-pose. */
  private pose(): void {
    for (const [side, sign] of [
      ["left", 1],
      ["right", -1],
    ] as const) {
      const out = sign * this.facing;
      this.turn(`${side}Shoulder`, 0, 0, -0.04 * out);
      this.turn(`${side}UpperArm`, 0.1 * this.facing, 0, -1.22 * out);
      this.turn(`${side}LowerArm`, 0, -0.2 * sign, -0.06 * out);
      this.turn(`${side}Hand`, 0, -0.08 * sign, -0.05 * out);
      for (const finger of ["Index", "Middle", "Ring", "Little"]) {
        for (const [joint, bend] of [
          ["Proximal", 0.22],
          ["Intermediate", 0.3],
          ["Distal", 0.2],
        ] as const) {
          this.turn(`${side}${finger}${joint}`, 0, 0, -bend * out);
        }
      }
    }
  }

  private bone(name: string): Object3D | null {
    return this.vrm.humanoid.getNormalizedBoneNode(name as VRMHumanBoneName);
  }

  private turn(name: string, x: number, y: number, z: number): void {
    this.bone(name)?.rotation.set(x, y, z, "YXZ");
  }

  private channel(values: Float32Array, name: string): number {
    return values[this.at.get(name) ?? -1] ?? 0;
  }

  /** Shows the channels, and lets `seconds` pass for breath, hair and cloth. */
  show(values: Float32Array, seconds: number): void {
    this.time += seconds;
    this.turnHead(values);
    this.breathe();
    const manager = this.vrm.expressionManager;
    for (const [name, channel] of this.custom) manager?.setValue(name, values[channel] ?? 0);
    for (const [name, terms] of this.mixes) {
      const sum = terms.reduce((total, [channel, gain]) => total + (values[channel] ?? 0) * gain, 0);
      manager?.setValue(name, Math.min(sum, 1));
    }
    this.vrm.update(Math.min(seconds, 0.1));
    // After the expressions, which clear what they are bound to.
    for (const { weights, index, channel } of this.slots) weights[index] = values[channel] ?? 0;
  }

  private turnHead(values: Float32Array): void {
    const yaw = -this.channel(values, "headYaw");
    const pitch = this.channel(values, "headPitch") * this.facing;
    const roll = this.channel(values, "headRoll") * this.facing;
    const neck = this.bone("neck") ? NECK : 0;
    this.turn("neck", pitch * neck, yaw * neck, roll * neck);
    this.turn("head", pitch * (1 - neck), yaw * (1 - neck), roll * (1 - neck));
    if (this.eyesByShape) return;
    for (const side of ["left", "right"]) {
      const up = this.channel(values, `${side}EyePitch`) * this.facing;
      this.turn(`${side}Eye`, up, -this.channel(values, `${side}EyeYaw`), 0);
    }
  }

  /** Breath of about 14 a minute, and a slow sway, so that the body stands and is not stood up. */
  private breathe(): void {
    const breath = Math.sin(this.time * 1.47) * 0.5 + 0.5;
    const sway = Math.sin(this.time * 0.43) + 0.6 * Math.sin(this.time * 0.29 + 1);
    const face = this.facing;
    this.turn("spine", 0, 0.006 * sway, 0.004 * sway * face);
    this.turn("chest", -0.008 * breath * face, 0, 0);
    this.turn("upperChest", -0.01 * breath * face, 0, 0);
    this.turn("leftShoulder", 0, 0, (-0.04 + 0.022 * breath) * face);
    this.turn("rightShoulder", 0, 0, (0.04 - 0.022 * breath) * face);
  }

  /** Where the eyes are, and how tall the head is, in metres of the scene. */
  measure(): { eyes: Vector3; head: number } {
    this.vrm.scene.updateMatrixWorld(true);
    const at = (name: string) =>
      this.vrm.humanoid.getRawBoneNode(name as VRMHumanBoneName)?.getWorldPosition(new Vector3()) ?? null;
    const [left, right, head] = [at("leftEye"), at("rightEye"), at("head")];
    if (left && right) {
      // The head of an adult is about 3.9 times as tall as the eyes are apart.
      const tall = Math.min(Math.max(3.9 * left.distanceTo(right), 0.2), 0.34);
      return { eyes: left.add(right).multiplyScalar(0.5), head: tall };
    }
    if (head) return { eyes: head.add(new Vector3(0, 0.08, 0.08)), head: 0.25 };
    const box = new Box3().setFromObject(this.vrm.scene);
    return { eyes: box.getCenter(new Vector3()), head: (box.max.y - box.min.y) / 2 };
  }

  dispose(): void {
    VRMUtils.deepDispose(this.vrm.scene);
  }
}
