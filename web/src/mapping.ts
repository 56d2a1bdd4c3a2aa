/**
 * Which of an avatar's morph targets, expressions and bones play which face channel, and what stands in.
 *
 * Order of preference for each ARKit channel: an expression or morph target of that name in any spelling, then a
 * mix of shapes that come near it: VRM presets, Oculus visemes, vowels, MMD's names, the jaw bone. The
 * server's avatars/mapping.py goes by the same rules.
 */

export interface Coverage {
  found: string[];
  stood_in: string[];
  missing: string[];
}

/** A shape of the avatar (morph target or expression) and what it takes from the channels. */
export interface Drive {
  kind: "morph" | "expression";
  name: string;
  terms: [channel: number, gain: number][];
  /** One of the five vowels: together they open the mouth no further than once. */
  vowel: boolean;
}

export interface Plan {
  drives: Drive[];
  /** The jaw bone opens the mouth, for want of a shape. */
  jaw: boolean;
  coverage: Coverage;
}

/** One spelling for all: lower case, Left and Right written out, no separators, no prefix. */
export function spelled(name: string): string {
  return name
    .replace(/[_.][lL]$/, "Left")
    .replace(/[_.][rR]$/, "Right")
    .replace(/^.*\./, "")
    .toLowerCase()
    .replace(/[^\p{L}\p{N}]/gu, "");
}

/** Other names of a channel's own shape. */
const ALIASES: Record<string, readonly string[]> = {
  jawOpen: ["mouthOpen", "jawDrop", "jawDown"],
  eyeBlinkLeft: ["eyeCloseLeft", "blinkLeft", "leftEyeClosed", "winkLeft"],
  eyeBlinkRight: ["eyeCloseRight", "blinkRight", "rightEyeClosed", "winkRight"],
};

/** What a shape of known meaning takes from the channels. */
const ROLES: Record<string, Record<string, number>> = {
  aa: { jawOpen: 1.6, mouthClose: -1.6 },
  oh: { mouthFunnel: 0.8 },
  ou: { mouthPucker: 0.9 },
  ih: { mouthStretchLeft: 0.5, mouthStretchRight: 0.5 },
  ee: { mouthLowerDownLeft: 0.35, mouthLowerDownRight: 0.35 },
  happy: { mouthSmileLeft: 0.2, mouthSmileRight: 0.2 },
  relaxed: { mouthSmileLeft: 0.2, mouthSmileRight: 0.2 },
  sad: { mouthFrownLeft: 0.3, mouthFrownRight: 0.3 },
  angry: { browDownLeft: 0.3, browDownRight: 0.3 },
  blinkLeft: { eyeBlinkLeft: 1 },
  blinkRight: { eyeBlinkRight: 1 },
  blink: { eyeBlinkLeft: 0.5, eyeBlinkRight: 0.5 },
  smile: { mouthSmileLeft: 0.5, mouthSmileRight: 0.5 },
  press: { mouthPressLeft: 0.5, mouthPressRight: 0.5, mouthClose: 1 },
  bite: { mouthRollLower: 0.8 },
  tongue: { tongueOut: 0.8 },
};
const VOWELS = new Set(["aa", "ih", "ou", "ee", "oh"]);

/** Names by which avatars call those shapes, family by family, the nearer one first. */
const FAMILIES: readonly Record<string, readonly string[]>[] = [
  {
    aa: ["aa"], ih: ["ih"], ou: ["ou"], ee: ["ee"], oh: ["oh"],
    blink: ["blink"], blinkLeft: ["blinkLeft"], blinkRight: ["blinkRight"],
    happy: ["happy"], relaxed: ["relaxed"], sad: ["sad"], angry: ["angry"],
  },
  {
    aa: ["viseme_aa", "v_aa"], ih: ["viseme_I", "viseme_ih", "v_ih"], ou: ["viseme_U", "viseme_ou", "v_ou"],
    ee: ["viseme_E", "v_e"], oh: ["viseme_O", "viseme_oh", "v_oh"],
    press: ["viseme_PP", "v_pp"], bite: ["viseme_FF", "v_ff"], tongue: ["viseme_TH", "v_th"],
    blink: ["eyesClosed", "eyesClose"], smile: ["mouthSmile", "smile"],
  },
  {
    aa: ["a", "mouth_a", "Fcl_MTH_A", "mth_a"], ih: ["i", "mouth_i", "Fcl_MTH_I", "mth_i"],
    ou: ["u", "mouth_u", "Fcl_MTH_U", "mth_u"], ee: ["e", "mouth_e", "Fcl_MTH_E", "mth_e"],
    oh: ["o", "mouth_o", "Fcl_MTH_O", "mth_o"],
    blink: ["Fcl_EYE_Close", "eye_close", "blink_both"], blinkLeft: ["Fcl_EYE_Close_L"], blinkRight: ["Fcl_EYE_Close_R"],
    happy: ["Fcl_ALL_Joy"], sad: ["Fcl_ALL_Sorrow"], angry: ["Fcl_ALL_Angry"],
  },
  {
    aa: ["あ"], ih: ["い"], ou: ["う"], ee: ["え"], oh: ["お"],
    blink: ["まばたき"], blinkLeft: ["ウィンク２", "ウィンク2", "ウィンク"], blinkRight: ["ウィンク２右", "ウィンク右", "ウィンク2右"],
    smile: ["にやり", "口角上げ"], sad: ["困る"], angry: ["怒り"],
  },
]; // prettier-ignore

/** Finds what plays each of the 52 `channels` on an avatar with such shapes. */
export function plan(
  channels: readonly string[],
  shapes: { morphs: readonly string[]; expressions: readonly string[]; jaw: boolean },
): Plan {
  const morphs = byKey(shapes.morphs);
  const expressions = byKey(shapes.expressions);
  const at = new Map(channels.map((name, index) => [name, index]));
  const drives: Drive[] = [];
  const found = new Set<string>();
  for (const [index, channel] of channels.entries()) {
    for (const key of [channel, ...(ALIASES[channel] ?? [])].map(spelled)) {
      const expression = key === spelled(channel) ? expressions.get(key) : undefined;
      const name = expression ?? morphs.get(key);
      if (name === undefined) continue;
      drives.push({ kind: expression ? "expression" : "morph", name, terms: [[index, 1]], vowel: false });
      found.add(channel);
      break;
    }
  }
  const taken = new Set<string>();
  for (const family of FAMILIES) {
    const fresh = standIn(family, found, taken, at, morphs, expressions);
    drives.push(...fresh);
  }
  const stoodIn = new Set(taken);
  const jaw = shapes.jaw && !found.has("jawOpen") && !stoodIn.has("jawOpen");
  if (jaw) stoodIn.add("jawOpen");
  return {
    drives,
    jaw,
    coverage: {
      found: channels.filter((name) => found.has(name)),
      stood_in: channels.filter((name) => stoodIn.has(name)),
      missing: channels.filter((name) => !found.has(name) && !stoodIn.has(name)),
    },
  };
}

/** Lets the shapes of one family play the channels that nothing plays yet; adds those to `taken`. */
function standIn(
  family: Record<string, readonly string[]>,
  found: ReadonlySet<string>,
  taken: Set<string>,
  at: ReadonlyMap<string, number>,
  morphs: ReadonlyMap<string, string>,
  expressions: ReadonlyMap<string, string>,
): Drive[] {
  const drives: Drive[] = [];
  const now = new Set<string>();
  for (const [role, names] of Object.entries(family)) {
    const keys = names.map(spelled);
    const expression = keys.map((key) => expressions.get(key)).find((name) => name !== undefined);
    const morph = keys.map((key) => morphs.get(key)).find((name) => name !== undefined);
    const name = expression ?? morph;
    if (name === undefined || (role === "blink" && now.has("eyeBlinkLeft"))) continue;
    const mix = Object.entries(ROLES[role] ?? {}).filter(([channel]) => at.has(channel));
    const free = mix.filter(([channel, gain]) => gain > 0 && !found.has(channel) && !taken.has(channel));
    if (!free.length) continue;
    for (const [channel] of free) now.add(channel);
    const against = mix.filter(([, gain]) => gain < 0);
    const terms = [...free, ...against].map(([channel, gain]): [number, number] => [at.get(channel) as number, gain]);
    drives.push({ kind: expression ? "expression" : "morph", name, terms, vowel: VOWELS.has(role) });
  }
  // Both lids of one shape come last, where single ones are there.
  const single = drives.some(({ terms }) => terms.length === 1 && terms[0]?.[0] === at.get("eyeBlinkLeft"));
  for (const channel of now) taken.add(channel);
  return single ? drives.filter(({ terms }) => !bothLids(terms, at)) : drives;
}

function bothLids(terms: Drive["terms"], at: ReadonlyMap<string, number>): boolean {
  const lids = [at.get("eyeBlinkLeft"), at.get("eyeBlinkRight")];
  return terms.length === 2 && terms.every(([channel]) => lids.includes(channel));
}

function byKey(names: readonly string[]): Map<string, string> {
  return new Map([...names].reverse().map((name) => [spelled(name), name]));
}

/** Writes the weight of each drive into `out`, in the order of the plan. */
export function weigh(drives: readonly Drive[], values: Float32Array, out: Float32Array): void {
  let mouth = 0;
  for (let i = 0; i < drives.length; i += 1) {
    const { terms, vowel } = drives[i] as Drive;
    let sum = 0;
    for (const [channel, gain] of terms) sum += (values[channel] ?? 0) * gain;
    out[i] = Math.min(Math.max(sum, 0), 1);
    if (vowel) mouth += out[i] as number;
  }
  if (mouth <= 1) return;
  for (let i = 0; i < drives.length; i += 1) if (drives[i]?.vowel) out[i] = (out[i] as number) / mouth;
}
