/** What the address of the page asks for. */

import { FRAMINGS, type Framing } from "./camera.ts";
import { remembered } from "./memory.ts";

export interface Options {
  /** Nothing but the avatar. */
  obs: boolean;
  /** The avatar and a small bar. */
  embed: boolean;
  /** The session to watch, or "latest". */
  follow: string | null;
  avatar: string | null;
  camera: Framing;
  background: string | null;
  theme: string | null;
  transport: "ws" | "rtc" | "auto";
}

export function readOptions(search: string = location.search): Options {
  const query = new URLSearchParams(search);
  const obs = query.get("obs") === "1";
  const camera = (query.get("camera") ?? remembered("camera") ?? "bust") as Framing;
  const transport = query.get("transport");
  return {
    obs,
    embed: query.get("embed") === "1",
    follow: query.get("session") ?? (obs ? "latest" : null),
    avatar: query.get("avatar"),
    camera: FRAMINGS.includes(camera) ? camera : "bust",
    background: query.get("background") ?? (obs ? "transparent" : null),
    theme: query.get("theme"),
    transport: transport === "rtc" || transport === "auto" ? transport : "ws",
  };
}
