/**
 * What plays the face of an avatar: its expressions, its morph targets by name, its bones. The same rules as the
 * server's rhapsode.avatars.finding, by the same tables.
 */

import { type Kind, Lips, Mouth, opening, type Pairs } from "./mouth.ts";
import { Index, key } from "./spelling.ts";
import tables from "./tables.json";

export interface Coverage {
  found: string[];
  stood_in: string[];
  missing: string[];
}

/** What there is to find: names of morph targets that move something, expressions made of them, bones. */
export interface Shapes {
  morphs: readonly string[];
  expressions: ReadonlyMap<string, Pairs>;
  jaw: boolean;
  eyes: boolean;
}

type Table = Record<string, readonly string[]>;
type Gains = Record<string, Record<string, number>>;
const SIDED: Gains = tables.sided;
const SINGLE: Gains = tables.single;
const MOODS: Gains = tables.moods;
const NOTHING: Pairs = [];

export class Mapping {
  readonly coverage: Coverage;
  /** "morphs", "bones" or "none": what turns the eyes. */
  readonly eyes: "morphs" | "bones" | "none";
  /** True if the jaw bone opens the mouth. */
  readonly jaw: boolean;
  private readonly mouth: Mouth;
  private readonly found = new Map<string, Pairs>();
  private readonly stoodIn = new Map<string, Pairs>();
  private readonly linear: { channel: number; pairs: Pairs }[] = [];
  private readonly byExpression: Index;
  private readonly byMorph: Index;
  private readonly lips: Lips;

  constructor(
    private readonly channels: readonly string[],
    private readonly shapes: Shapes,
  ) {
    this.byExpression = new Index(shapes.expressions.keys());
    this.byMorph = new Index(shapes.morphs);
    this.lips = new Lips(channels);
    for (const name of channels) {
      const pairs = this.find(name.toLowerCase());
      if (pairs.length) this.found.set(name, pairs);
    }
    for (const name of channels) {
      const pairs = this.found.has(name) ? NOTHING : this.near(name);
      if (pairs.length) this.stoodIn.set(name, pairs);
    }
    this.eyes = this.turnEyes();
    [this.mouth, this.jaw] = this.speak();
    for (const name of this.mouth.channels) {
      this.found.delete(name);
      this.stoodIn.delete(name);
    }
    const open = this.found.get("jawOpen");
    if (this.mouth.kind === "channels" && !this.found.has("mouthClose") && open) {
      this.stoodIn.set("mouthClose", scaled(open, -1));
    }
    for (const [name, pairs] of [...this.found, ...this.stoodIn]) {
      if (this.eyes === "morphs" || !tables.look.includes(name)) this.linear.push({ channel: channels.indexOf(name), pairs });
    }
    this.coverage = this.cover();
  }

  private find(spelling: string): Pairs {
    const expression = this.byExpression.find(spelling)[0];
    if (expression !== undefined) return this.shapes.expressions.get(expression) ?? NOTHING;
    return this.byMorph.find(spelling).map((name) => [name, 1] as const);
  }

  /** What comes near a channel. */
  private near(channel: string): Pairs {
    const base = channel.replace(/(Left|Right)$/, "");
    const single = channel in SINGLE;
    const ways: [Pairs, number][] = [];
    if (single || base === channel) {
      const words = { [channel.toLowerCase()]: 1, ...SINGLE[channel] };
      for (const [word, gain] of Object.entries(words)) ways.push([this.middle(word), gain]);
    } else {
      const side = channel.slice(base.length).toLowerCase();
      const words = Object.entries({ [base.toLowerCase()]: 1, ...SIDED[base] });
      for (const [word, gain] of words) ways.push([this.sided(word, side), gain]);
      for (const [word, gain] of words) ways.push([this.find(word), gain / 2]);
    }
    for (const [word, gain] of Object.entries(MOODS[base] ?? {})) ways.push([this.mood(word), gain * (single ? 1 : 0.5)]);
    const best = ways.find(([pairs]) => pairs.length);
    return best ? scaled(...best) : NOTHING;
  }

  private mood(spelling: string): Pairs {
    const whole = [...this.shapes.expressions.keys(), ...this.shapes.morphs].find((name) => key(name) === spelling);
    if (whole === undefined) return NOTHING;
    return this.shapes.expressions.get(whole) ?? [[whole, 1]];
  }

  private middle(spelling: string): Pairs {
    const whole = this.find(spelling);
    return whole.length ? whole : [...this.find(`${spelling}left`), ...this.find(`${spelling}right`)];
  }

  /** What plays one side; of two shapes of which only one names its side the other is left. */
  private sided(spelling: string, side: string): Pairs {
    const named = this.find(spelling + side);
    if (named.length) return named;
    return side === "left" && this.find(`${spelling}right`).length ? this.find(spelling) : NOTHING;
  }

  private turnEyes(): "morphs" | "bones" | "none" {
    if (tables.look.every((name) => this.found.has(name))) return "morphs";
    if (this.shapes.eyes) {
      for (const name of tables.look) {
        this.found.delete(name);
        this.stoodIn.delete(name);
      }
      return "bones";
    }
    for (const [look, channels] of Object.entries(tables.looks)) {
      const pairs = this.find(look.toLowerCase());
      for (const name of pairs.length ? channels : []) if (!this.found.has(name)) this.stoodIn.set(name, scaled(pairs, 0.5));
    }
    return tables.look.some((name) => this.found.has(name) || this.stoodIn.has(name)) ? "morphs" : "none";
  }

  private speak(): [mouth: Mouth, jaw: boolean] {
    const make = (kind: Kind, shapes: ReadonlyMap<string, Pairs> = new Map()) => new Mouth(kind, shapes, this.channels);
    const has = (name: string) => this.found.has(name);
    const jaw = this.shapes.jaw && !has("jawOpen");
    const lips = tables.lips.filter(has).length;
    if (lips >= tables.enough_lips && tables.round.some(has) && (has("jawOpen") || jaw)) return [make("channels"), jaw];
    const visemes = this.pick(tables.visemes);
    if (visemes.size >= tables.enough_visemes && visemes.has("aa") && (visemes.has("oh") || visemes.has("ou"))) {
      return [make("visemes", visemes), false];
    }
    const vowels = this.pick(tables.vowels);
    if (vowels.has("aa") && vowels.size > 1) return [make("vowels", vowels), false];
    if (jaw) return [make("opening"), true];
    let single = this.found.get("jawOpen") ?? tables.open.map((word) => this.find(word)).find((pairs) => pairs.length) ?? NOTHING;
    if (!single.length) single = scaled(vowels.get("aa") ?? visemes.get("aa") ?? NOTHING, 1 / tables.aa_jaw);
    return [single.length ? make("opening", new Map([["open", single]])) : make("none"), false];
  }

  private pick(table: Table): Map<string, Pairs> {
    const made = new Map<string, Pairs>();
    for (const [name, words] of Object.entries(table)) {
      const pairs = words.map((word) => this.find(word)).find((found) => found.length);
      if (pairs) made.set(name, pairs);
    }
    return made;
  }

  private cover(): Coverage {
    const stands = new Set([...this.stoodIn.keys(), ...this.mouth.channels]);
    if (this.jaw) for (const name of ["jawOpen", "jawLeft", "jawRight", "mouthClose"]) stands.add(name);
    if (this.eyes === "bones") for (const name of tables.look) stands.add(name);
    const found = this.channels.filter((name) => this.found.has(name));
    const stoodIn = this.channels.filter((name) => !this.found.has(name) && stands.has(name));
    return { found, stood_in: stoodIn, missing: this.channels.filter((name) => !found.includes(name) && !stoodIn.includes(name)) };
  }

  /** Adds up the weight in [0, 1] of every morph target by name. */
  weigh(values: Float32Array, out: Map<string, number>): void {
    for (const name of out.keys()) out.set(name, 0);
    const add = (pairs: Pairs, weight: number) => {
      for (const [name, gain] of pairs) out.set(name, (out.get(name) ?? 0) + gain * weight);
    };
    for (const { channel, pairs } of this.linear) add(pairs, values[channel] ?? 0);
    const spoken = this.mouth.weights(values);
    let index = 0;
    for (const pairs of this.mouth.shapes.values()) {
      add(pairs, spoken[index] ?? 0);
      index += 1;
    }
    for (const [name, weight] of out) out.set(name, Math.min(Math.max(weight, 0), 1));
  }

  /** How far the jaw bone is open and turned to the character's right, as shares of its angles. */
  jawTurn(values: Float32Array): { open: number; right: number } {
    const read = (name: string) => values[this.channels.indexOf(name)] ?? 0;
    let share = opening(this.lips.gap(values)) * tables.gain;
    if (this.mouth.kind !== "opening") share = read("jawOpen") - (this.found.has("mouthClose") ? 0 : read("mouthClose"));
    const side = (name: string) => (this.found.has(name) ? 0 : Math.max(read(name), 0));
    return { open: Math.min(Math.max(share, 0), 1), right: side("jawRight") - side("jawLeft") };
  }
}

function scaled(pairs: Pairs, gain: number): Pairs {
  return pairs.map(([name, weight]) => [name, weight * gain] as const);
}
