/**
 * How a mouth without ARKit's shapes speaks: visemes, vowels, or one opening, as rhapsode.avatars.mouth has it.
 *
 * What opens the mouth is the distance of the lips, the shapes are mixed so that they come nearest to the mouth,
 * and shapes drawn for a clear vowel are reached by the smaller moves of running speech.
 */

import tables from "./tables.json";

export type Kind = "channels" | "visemes" | "vowels" | "opening" | "none";

/** Shapes of the avatar with their gains. */
export type Pairs = readonly (readonly [name: string, gain: number])[];

const GAP: Record<string, number> = tables.gap;
const ATOMS: Record<string, Record<string, Record<string, number>>> = tables.atoms;

/** How far the lips are parted as a share of jawOpen at 1, from a way to read the channels. */
export function opening(gap: number): number {
  const share = (gap - tables.closed_gap) / ((GAP["jawOpen"] ?? 1) + tables.rest_gap - tables.closed_gap);
  return Math.min(Math.max(share, 0), 1);
}

/** The lips' distance in cm of the first 52 values. */
export class Lips {
  private readonly terms: [channel: number, gap: number][];

  constructor(channels: readonly string[]) {
    this.terms = Object.entries(GAP).map(([name, gap]) => [channels.indexOf(name), gap]);
  }

  gap(values: Float32Array): number {
    let sum = tables.rest_gap;
    for (const [channel, gap] of this.terms) sum += (values[channel] ?? 0) * gap;
    return sum;
  }
}

export class Mouth {
  /** Face channels that the shapes play together, and that nothing else may play. */
  readonly channels: readonly string[];
  private readonly names: string[];
  private readonly used: number[];
  private readonly matrix: number[][];
  private readonly open: boolean[];
  private readonly free: number[][];
  private readonly full: number[][];
  private readonly lips: Lips;
  private readonly jaw: number;
  private readonly close: number;

  constructor(
    readonly kind: Kind,
    readonly shapes: ReadonlyMap<string, Pairs>,
    channels: readonly string[],
  ) {
    this.names = [...shapes.keys()];
    this.lips = new Lips(channels);
    this.jaw = channels.indexOf("jawOpen");
    this.close = channels.indexOf("mouthClose");
    const atoms = this.names.map((name) => ATOMS[kind]?.[name] ?? {});
    this.channels = played(kind, atoms, channels);
    const names = this.channels.filter((name) => name !== "mouthClose");
    this.used = names.map((name) => channels.indexOf(name));
    this.matrix = atoms.map((atom) => names.map((name) => atom[name] ?? 0));
    this.open = atoms.map((atom) => {
      const gap = Object.entries(atom).reduce((sum, [name, weight]) => sum + weight * (GAP[name] ?? 0), tables.rest_gap);
      return gap > tables.wide_gap;
    });
    this.free = this.matrix.map((a, i) => this.matrix.map((b, j) => dot(a, b) + (i === j ? tables.ridge : 0)));
    this.full = this.free.map((row) => row.map((value) => value + tables.full));
  }

  /** The weight of each of `shapes` in [0, 1], in their order. */
  weights(values: Float32Array): number[] {
    const gap = this.lips.gap(values);
    if (this.kind === "opening") return this.names.map(() => Math.min(opening(gap) * tables.gain, 1));
    if (this.kind !== "visemes" && this.kind !== "vowels") return this.names.map(() => 0);
    const face = this.used.map((channel) => {
      const value = values[channel] ?? 0;
      const shut = channel === this.jaw ? Math.max(value - (values[this.close] ?? 0), 0) : value;
      return Math.min(Math.max(shut * tables.gain, 0), 1);
    });
    const wanted = this.matrix.map((row) => dot(row, face));
    let solved = solve(this.free, wanted);
    if (solved.reduce((sum, weight) => sum + weight, 0) > 1) {
      solved = solve(this.full, wanted.map((value) => value + tables.full));
    }
    const parted = Math.min(Math.max((gap - tables.closed_gap) / tables.part_gap, 0), 1);
    return solved.map((weight, index) => (this.open[index] ? weight * parted : weight));
  }
}

function played(kind: Kind, atoms: readonly Record<string, number>[], channels: readonly string[]): readonly string[] {
  if (kind === "channels" || kind === "none") return [];
  if (kind === "opening") return ["jawOpen", "mouthClose"];
  const used = new Set([...atoms.flatMap((atom) => Object.keys(atom)), "mouthClose"]);
  return channels.filter((name) => used.has(name) && !tables.smile.includes(name) && name !== "tongueOut");
}

function dot(a: readonly number[], b: readonly number[]): number {
  return a.reduce((sum, value, index) => sum + value * (b[index] ?? 0), 0);
}

/** min w'Gw / 2 - q'w over w >= 0 (Lawson and Hanson, 1974). */
export function solve(gram: readonly number[][], wanted: readonly number[]): number[] {
  const count = wanted.length;
  let found = new Array<number>(count).fill(0);
  let support: number[] = [];
  for (let round = 0; round < 3 * count; round += 1) {
    const slope = wanted.map((value, row) => (support.includes(row) ? -1 : value - dot(gram[row] ?? [], found)));
    const best = slope.reduce((top, value, index) => (value > (slope[top] ?? 0) ? index : top), 0);
    if ((slope[best] ?? 0) <= 1e-9) break;
    support = [...support, best].sort((a, b) => a - b);
    let trial: number[] = [];
    while (support.length) {
      trial = linear(support.map((row) => support.map((column) => gram[row]?.[column] ?? 0)), support.map((row) => wanted[row] ?? 0));
      if (trial.every((weight) => weight > 0)) break;
      const now = support.map((index) => found[index] ?? 0);
      let share = Number.POSITIVE_INFINITY;
      for (const [at, weight] of trial.entries()) {
        if (weight <= 0) share = Math.min(share, (now[at] as number) / ((now[at] as number) - weight));
      }
      const moved = now.map((value, at) => value + share * ((trial[at] as number) - value));
      found = new Array<number>(count).fill(0);
      for (const [at, index] of support.entries()) {
        const low = (trial[at] as number) <= 0 && (moved[at] as number) < 1e-12;
        found[index] = low ? 0 : (moved[at] as number);
      }
      support = support.filter((index) => (found[index] ?? 0) > 1e-12);
    }
    found = new Array<number>(count).fill(0);
    for (const [at, index] of support.entries()) found[index] = trial[at] ?? 0;
  }
  return found;
}

/** Solves a x = b for a small symmetric positive matrix. */
function linear(a: number[][], b: number[]): number[] {
  const count = b.length;
  const rows = a.map((row, index) => [...row, b[index] as number]);
  for (let column = 0; column < count; column += 1) {
    const pivot = rows[column] as number[];
    for (let row = column + 1; row < count; row += 1) {
      const target = rows[row] as number[];
      const factor = (target[column] as number) / (pivot[column] as number);
      for (let k = column; k <= count; k += 1) target[k] = (target[k] as number) - factor * (pivot[k] as number);
    }
  }
  const x = new Array<number>(count).fill(0);
  for (let row = count - 1; row >= 0; row -= 1) {
    const line = rows[row] as number[];
    let sum = line[count] as number;
    for (let k = row + 1; k < count; k += 1) sum -= (line[k] as number) * (x[k] as number);
    x[row] = sum / (line[row] as number);
  }
  return x;
}
