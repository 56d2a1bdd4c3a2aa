/** What is behind the avatar: a soft light of one colour, a picture, or nothing. */

import { remember, remembered } from "../memory.ts";

/** Middle colours; the first follows light and dark. */
export const BACKDROPS: Record<string, string> = {
  paper: "var(--paper-2)",
  sand: "#dccbb4",
  sage: "#a9b8a6",
  dusk: "#8b86a8",
  night: "#1b2536",
};

const LONGEST_SIDE = 1600;
const OWN = /^#[0-9a-f]{6}$/i;

export class Backdrop {
  /** One of the names, "transparent", "picture", or a colour like #aabbcc. */
  kind = "paper";
  private picture = "";

  /** `fixed` comes from the address and is not remembered; `clear` shows transparency as it is. */
  constructor(
    private readonly element: HTMLElement,
    private readonly fixed: string | null,
    private readonly clear: boolean,
  ) {
    const kept = fixed ?? remembered("background") ?? "paper";
    this.picture = remembered("picture") ?? "";
    if (kept === "picture" && this.picture) this.show("picture");
    else this.show(kept in BACKDROPS || kept === "transparent" || OWN.test(kept) ? kept : "paper");
  }

  get colour(): string {
    return OWN.test(this.kind) ? this.kind : "#5b7f8c";
  }

  paint(kind: string): void {
    this.show(kind);
    if (!this.fixed) remember("background", kind);
  }

  private show(kind: string): void {
    this.kind = kind;
    const plain = BACKDROPS[kind] ?? (OWN.test(kind) ? kind : null);
    this.element.dataset["kind"] = kind === "transparent" && this.clear ? "clear" : plain ? "plain" : kind;
    this.element.classList.toggle("own", kind !== "paper");
    this.element.style.setProperty("--middle", plain ?? "transparent");
    this.element.style.backgroundImage = kind === "picture" ? `url("${this.picture}")` : "";
    const dark = plain?.startsWith("#") === true && brightness(plain) < 0.45;
    document.body.dataset["over"] = kind === "paper" || kind === "transparent" ? "" : kind === "picture" || dark ? "dark" : "light";
    if (this.clear && kind === "transparent") document.documentElement.classList.add("clear");
    else document.documentElement.classList.remove("clear");
  }

  /** Hangs up a picture, made small enough to be remembered; fails if it is none. */
  async hang(file: Blob): Promise<void> {
    const bitmap = await createImageBitmap(file);
    const scale = Math.min(1, LONGEST_SIDE / Math.max(bitmap.width, bitmap.height));
    const canvas = document.createElement("canvas");
    canvas.width = Math.round(bitmap.width * scale);
    canvas.height = Math.round(bitmap.height * scale);
    canvas.getContext("2d")?.drawImage(bitmap, 0, 0, canvas.width, canvas.height);
    this.picture = canvas.toDataURL("image/jpeg", 0.85);
    this.show("picture");
    if (!this.fixed && remember("picture", this.picture)) remember("background", "picture");
  }
}

function brightness(colour: string): number {
  const [r, g, b] = [1, 3, 5].map((at) => Number.parseInt(colour.slice(at, at + 2), 16) / 255) as [number, number, number];
  return 0.299 * r + 0.587 * g + 0.114 * b;
}
