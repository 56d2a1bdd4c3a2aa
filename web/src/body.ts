/** What the body does: it stands at ease, breathes, and turns its head and eyes as the channels say. */

import { Euler, Quaternion } from "three";
import type { Turns } from "./curves.ts";
import type { Poser } from "./poser.ts";

/** Head angles are shared out over the neck and the head. */
const NECK = 0.4;

/** Brings the arms down from the T-pose. */
export function stand(poser: Poser): void {
  for (const [side, sign] of [
    ["left", 1],
    ["right", -1],
  ] as const) {
    const out = sign * poser.facing;
    poser.turn(`${side}Shoulder`, 0, 0, -0.04 * out);
    poser.turn(`${side}UpperArm`, 0.1 * poser.facing, 0, -1.22 * out);
    poser.turn(`${side}LowerArm`, 0, -0.2 * sign, -0.06 * out);
    poser.turn(`${side}Hand`, 0, -0.08 * sign, -0.05 * out);
    for (const finger of ["Index", "Middle", "Ring", "Little"]) {
      for (const [joint, bend] of [
        ["Proximal", 0.22],
        ["Intermediate", 0.3],
        ["Distal", 0.2],
      ] as const) {
        poser.turn(`${side}${finger}${joint}`, 0, 0, -bend * out);
      }
    }
  }
}

/** Turns head and neck, and the eyes where no shape does. */
export function turnHead(poser: Poser, read: (name: string) => number, motion: number, eyesByShape: boolean): void {
  const yaw = -read("headYaw") * motion;
  const pitch = read("headPitch") * poser.facing * motion;
  const roll = read("headRoll") * poser.facing * motion;
  const neck = poser.has("neck") ? NECK : 0;
  poser.turn("neck", pitch * neck, yaw * neck, roll * neck);
  poser.turn("head", pitch * (1 - neck), yaw * (1 - neck), roll * (1 - neck));
  if (eyesByShape) return;
  for (const side of ["left", "right"]) {
    poser.turn(`${side}Eye`, read(`${side}EyePitch`) * poser.facing, -read(`${side}EyeYaw`), 0);
  }
}

/** How long bones that begin or cease to be given take to be shown, or not to be, s. */
const FADE_S = 0.25;

/** How fast a bone follows what it is given, s: jumps of the clock do not show. */
const FOLLOW_S = 0.03;

/** Bones that the angles of the face move. */
const FACE = new Set(["neck", "head", "jaw", "leftEye", "rightEye"]);

interface Limb {
  /** How much of what is given is shown. */
  share: number;
  given: Quaternion;
  /** How it stands where nothing is given. */
  stands: Quaternion;
}

/** The bones of the body as they are given, softly joined to how the body stands by itself. */
export class Limbs {
  private readonly limbs = new Map<string, Limb>();
  private readonly turn = new Quaternion();
  private readonly breath = new Quaternion();
  private readonly euler = new Euler(0, 0, 0, "YXZ");

  constructor(private readonly poser: Poser) {}

  /** Shows `turns` after `breathe` has set the trunk; `seconds` have passed. */
  show(turns: Turns | null, seconds: number, time: number): void {
    const follow = 1 - Math.exp(-seconds / FOLLOW_S);
    for (const [name, [x, y, z, w]] of turns ?? []) {
      if (FACE.has(name)) continue;
      const limb = this.limbs.get(name) ?? this.meet(name);
      if (!limb) continue;
      this.turn.set(x, y, z, w);
      if (limb.share === 0) limb.given.copy(this.turn);
      else limb.given.slerp(this.turn, follow);
      // Once more than fades below.
      limb.share = Math.min(limb.share + (2 * seconds) / FADE_S, 1 + seconds / FADE_S);
    }
    for (const [name, limb] of this.limbs) {
      if (limb.share === 0) continue;
      limb.share = Math.max(limb.share - seconds / FADE_S, 0);
      const share = Math.min(limb.share, 1);
      const swell = breathing(name, time);
      this.turn.copy(limb.given);
      if (swell) {
        this.poser.posed(name, limb.stands);
        this.turn.multiply(this.breath.setFromEuler(this.euler.set(swell[0], 0, swell[1])));
      }
      const eased = share * share * (3 - 2 * share);
      this.poser.pose(name, this.breath.copy(limb.stands).slerp(this.turn, eased));
    }
  }

  /** How they stand now. */
  get stand(): Record<string, number[]> {
    return Object.fromEntries([...this.limbs.keys()].map((name) => [name, this.poser.posed(name, this.turn)?.toArray() ?? []]));
  }

  private meet(name: string): Limb | null {
    const stands = this.poser.posed(name, new Quaternion());
    if (!stands) return null;
    const limb = { share: 0, given: new Quaternion(), stands };
    this.limbs.set(name, limb);
    return limb;
  }
}

/** What breath does to a bone, about x and z; null for bones that it does not move. */
function breathing(name: string, time: number): [number, number] | null {
  const breath = Math.sin(time * 1.47) * 0.5 + 0.5;
  if (name === "chest") return [-0.008 * breath, 0];
  if (name === "upperChest") return [-0.01 * breath, 0];
  if (name === "leftShoulder") return [0, 0.022 * breath];
  if (name === "rightShoulder") return [0, -0.022 * breath];
  return name === "spine" ? [0, 0] : null;
}

/** Breath of about 14 a minute, and a slow sway, so that the body stands and is not stood up. */
export function breathe(poser: Poser, time: number): void {
  const breath = Math.sin(time * 1.47) * 0.5 + 0.5;
  const sway = Math.sin(time * 0.43) + 0.6 * Math.sin(time * 0.29 + 1);
  const face = poser.facing;
  poser.turn("spine", 0, 0.006 * sway, 0.004 * sway * face);
  poser.turn("chest", -0.008 * breath * face, 0, 0);
  poser.turn("upperChest", -0.01 * breath * face, 0, 0);
  poser.turn("leftShoulder", 0, 0, (-0.04 + 0.022 * breath) * face);
  poser.turn("rightShoulder", 0, 0, (0.04 - 0.022 * breath) * face);
}
