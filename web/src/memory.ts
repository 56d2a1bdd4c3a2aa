/** What the page remembers on this machine. */

const PREFIX = "rhapsode.";

export function remembered(key: string): string | null {
  try {
    return localStorage.getItem(PREFIX + key);
  } catch {
    return null; // storage is turned off
  }
}

/** Keeps a value, or forgets it where it is null; returns false where there is no room. */
export function remember(key: string, value: string | null): boolean {
  try {
    if (value === null) localStorage.removeItem(PREFIX + key);
    else localStorage.setItem(PREFIX + key, value);
    return true;
  } catch {
    return false;
  }
}

export function rememberedNumber(key: string, otherwise: number): number {
  const kept = remembered(key);
  const value = kept === null ? Number.NaN : Number(kept);
  return Number.isFinite(value) ? value : otherwise;
}
