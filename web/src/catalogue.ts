/** What the server offers: avatars, styles, emotions and sample recordings. */

import type { SampleRow } from "./dock.ts";
import type { Server } from "./server.ts";

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

export async function readAvatars(server: Server): Promise<{ avatars: Map<string, string>; chosen: string }> {
  const found = await server.read<Avatars>("/api/avatars");
  return {
    avatars: new Map(found.avatars.map(({ name, url }) => [name, url])),
    chosen: found.default ?? found.avatars[0]?.name ?? "",
  };
}

export async function readCatalogue(server: Server): Promise<Catalogue> {
  const [avatars, styles, emotions, samples] = await Promise.all([
    readAvatars(server),
    server.read<string[]>("/api/styles"),
    server.read<string[]>("/api/emotions"),
    server.read<SampleRow[]>("/api/samples"),
  ]);
  return { ...avatars, styles, emotions, samples };
}
