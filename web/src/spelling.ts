/**
 * One spelling for names of blendshapes and bones, as rhapsode.avatars.spelling has it.
 *
 * A name loses its prefixes, its separators and its case, and its side moves to the end: `L_Eye_Blink`,
 * `eyeBlink.L` and `eyeBlinkLeft` can all be found as "eyeblinkleft".
 */

const SIDES: Record<string, string> = {
  l: "left", left: "left", lft: "left", 左: "left",
  r: "right", right: "right", rgt: "right", rt: "right", 右: "right",
}; // prettier-ignore
const NUMBERED = /[._]\d{3}$/;
const GLUED = /^mixamorig\d*[:_]?/;
const NAMESPACE = /[.:|/]/;
const SEPARATOR = /[\s_\-.:|/()[\]]+/;
const AT_END = /(?<=[a-z\d])([LR])$|(?<=.)([Ll]eft|[Rr]ight|左|右)$/;
const AT_START = /^([Ll]eft|[Rr]ight|左|右)(?=.)/;
/** Letters up to which a Latin name counts only as a whole. */
const SHORT = 2;

interface Split {
  words: string[];
  /** How many of the words are a namespace. */
  free: number;
  side: string;
}

function sideOf(word: string): string | undefined {
  return Object.hasOwn(SIDES, word.toLowerCase()) ? SIDES[word.toLowerCase()] : undefined;
}

function withoutSide(words: string[]): [rest: string[], side: string] {
  const alone = words.map((word) => sideOf(word) !== undefined).lastIndexOf(true);
  if (alone >= 0 && words.length > 1) return [words.filter((_, n) => n !== alone), sideOf(words[alone] as string) as string];
  for (const [at, pattern] of [[words.length - 1, AT_END], [0, AT_START]] as const) {
    const word = words[at];
    const found = word === undefined ? null : pattern.exec(word);
    if (word === undefined || !found) continue;
    const rest = [...words];
    rest[at] = word.slice(0, found.index) + word.slice(found.index + found[0].length);
    return [rest, sideOf(found[0]) as string];
  }
  return [words, ""];
}

function split(name: string): Split {
  const text = name.normalize("NFKC").trim().replace(NUMBERED, "").replace(GLUED, "");
  const spaces = text.split(NAMESPACE).filter((part) => part.trim());
  const last = spaces.length > 1 && sideOf(spaces[spaces.length - 1] as string) !== undefined ? 2 : 1;
  let before = spaces.slice(0, -last).join(".").split(SEPARATOR).filter(Boolean);
  let words = spaces.slice(-last).join(".").split(SEPARATOR).filter(Boolean);
  let side: string;
  [words, side] = withoutSide(words);
  if (!side) [before, side] = withoutSide(before);
  const plain = [...before, ...words].map((word) => word.toLowerCase().replace(/[^\p{L}\p{N}]/gu, ""));
  return { words: plain, free: before.length, side };
}

/** The name as a whole in one spelling. */
export function key(name: string): string {
  const { words, side } = split(name);
  return words.join("") + side;
}

/** Finds names by their spellings; of two that fit equally well the earlier one is taken. */
export class Index {
  private readonly best = new Map<string, { dropped: number; tail: string; names: string[] }>();

  constructor(names: Iterable<string>) {
    for (const name of names) this.add(name);
  }

  private add(name: string): void {
    const { words, free, side } = split(name);
    const tail = words.slice(free).join("") + side;
    for (let start = 0; start < words.length; start += 1) {
      const made = words.slice(start).join("");
      const latin = /^[\x00-\x7f]*$/.test(made);
      if (start !== 0 && start !== free && made.length <= SHORT && latin) continue;
      const dropped = Math.max(start - free, 0);
      const held = this.best.get(made + side);
      if (!held || dropped < held.dropped) this.best.set(made + side, { dropped, tail, names: [name] });
      else if (dropped === held.dropped && tail === held.tail && !held.names.includes(name)) held.names.push(name);
    }
  }

  /** The names of one spelling: several where only their namespaces differ, or none. */
  find(spelling: string): readonly string[] {
    return this.best.get(spelling)?.names ?? [];
  }
}
