/** Words of a conversation: joined, cut where they were heard, and written down. No page. */

/** Appends a piece of an answer; sentences that come without a space between get one. */
export function joined(before: string, piece: string): string {
  const apart = /[.!?…,;:]["”’)]?$/.test(before) && /^["“‘(]?\p{Lu}/u.test(piece);
  return apart ? `${before} ${piece}` : before + piece;
}

/** Letters and digits alone, each with its place in the text. */
function letters(text: string): [string, number][] {
  const found: [string, number][] = [];
  let at = 0;
  for (const letter of text) {
    if (/[\p{L}\p{N}]/u.test(letter)) found.push([letter.toLowerCase(), at]);
    at += letter.length;
  }
  return found;
}

/** Where an answer was cut: what was heard of it, and what was not. */
export function cut(heard: string, meant: string): { heard: string; unheard: string } {
  if (meant.startsWith(heard)) return { heard, unheard: meant.slice(heard.length) };
  const [short, long] = [letters(heard), letters(meant)];
  if (short.length > long.length || short.some(([letter], at) => long[at]?.[0] !== letter)) return { heard, unheard: "" };
  const next = long[short.length];
  return { heard, unheard: next ? meant.slice(next[1]) : "" };
}

/** The address if a page may open it: http and https only. */
export function safeLink(url: string): string | null {
  try {
    const made = new URL(url);
    return ["http:", "https:"].includes(made.protocol) ? made.href : null;
  } catch {
    return null;
  }
}

/** The emotions of "joy:0.4, sadness:0.1", the strongest first; none where it is neutral. */
export function feelings(emotion: string | null | undefined): { name: string; strength: number | null }[] {
  const found = (emotion ?? "").split(",").map((piece) => {
    const [name = "", strength] = piece.trim().split(":");
    const value = Number(strength);
    return { name: name.trim(), strength: strength !== undefined && Number.isFinite(value) ? value : null };
  });
  return found
    .filter(({ name, strength }) => name !== "" && name !== "neutral" && name !== "auto" && (strength ?? 1) >= 0.05)
    .sort((a, b) => (b.strength ?? 1) - (a.strength ?? 1));
}
