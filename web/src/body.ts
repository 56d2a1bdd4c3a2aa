/** What the body does: it stands at ease, breathes, and turns its head and eyes as the channels say. */

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
