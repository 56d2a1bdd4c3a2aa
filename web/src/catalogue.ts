/** What the server offers: avatars, styles, emotions and sample recordings. */

import type { SampleRow } from "./ui.ts";

export interface Catalogue {
  /** Address by name. */
  avatars: Map<string, string>;
  chosen: string;
  styles: string[];
  emotions: string[];
  samples: SampleRow[];
}

interface Avatars {
  avatars: { name: string; url: string }[];
  default: string | null;
}

async function read<T>(path: string): Promise<T> {
  const answer = await fetch(path);
  if (!answer.ok) throw new Error(`${path} answers ${answer.status}`);
  return (await answer.json()) as T;
}

export async function readCatalogue(): Promise<Catalogue> {
  const [avatars, styles, emotions, samples] = await Promise.all([
    read<Avatars>("/api/avatars"),
    read<string[]>("/api/styles"),
    read<string[]>("/api/emotions"),
    read<SampleRow[]>("/api/samples"),
  ]);
  return {
    avatars: new Map(avatars.avatars.map(({ name, url }) => [name, url])),
    chosen: avatars.default ?? avatars.avatars[0]?.name ?? "",
    styles,
    emotions,
    samples,
  };
}
