/** Who can stand on the stage: the server's avatars and those that are dropped onto the page. */

import type { Catalogue } from "./catalogue.ts";
import type { Context } from "./context.ts";
import { remember, remembered } from "./memory.ts";
import type { Report } from "./panels/coverage.ts";
import type { LookPanel } from "./panels/look.ts";
import { saying } from "./server.ts";
import { labelled, strings } from "./strings.ts";

const MOST_BYTES = 64 * 1024 * 1024;

interface Uploaded {
  name: string;
  url: string;
  report: Report;
}

export class Cast {
  /** Who stands there, or is on the way. */
  name = "";
  private avatars = new Map<string, string>();

  constructor(
    private readonly context: Context,
    private readonly look: LookPanel,
    private readonly entered: () => void,
  ) {
    this.takeDrops();
  }

  fill(catalogue: Catalogue, asked: string | null): void {
    this.avatars = new Map(catalogue.avatars);
    const wish = [asked, remembered("avatar"), catalogue.chosen].find((name) => name !== null && this.avatars.has(name));
    this.name = wish ?? catalogue.chosen;
    this.look.fill([...this.avatars.keys()], this.name);
  }

  /** Brings an avatar onto the stage; once more if it is there already, after a new connection. */
  async enter(name: string = this.name, open = false): Promise<void> {
    const url = this.avatars.get(name);
    this.name = name;
    if (!url) return;
    try {
      const avatar = await this.context.theatre.enter(url);
      if (!avatar) return;
      this.entered();
      if (!url.startsWith("blob:")) remember("avatar", name);
      this.look.coverage.show(labelled(name), avatar.format, avatar.coverage, true, open);
    } catch (error) {
      const words = saying(error);
      this.context.tell(`${strings.noAvatar}: ${words === "notModel" ? strings.notModel : words}`);
    }
  }

  /** Shows a file at once, and lets the server keep it and report on it. */
  async drop(file: File): Promise<void> {
    if (!/\.(vrm|glb)$/i.test(file.name)) return this.context.tell(strings.badFile(file.name));
    const before = this.name;
    const name = file.name.replace(/\.[^.]*$/, "");
    const url = URL.createObjectURL(file);
    this.avatars.set(name, url);
    await this.enter(name, true);
    if (this.context.theatre.avatarUrl !== url || !this.stands(url)) {
      this.avatars.delete(name);
      URL.revokeObjectURL(url);
      if (this.name === name) this.name = before;
      this.look.fill([...this.avatars.keys()], this.name);
      return;
    }
    this.look.add(name);
    this.context.open("look");
    await this.upload(file, name);
  }

  private stands(url: string): boolean {
    return this.context.theatre.shownUrl === url;
  }

  private async upload(file: File, name: string): Promise<void> {
    if (file.size > MOST_BYTES) return this.context.tell(strings.bigFile(Math.round(file.size / 2 ** 20)), "info");
    try {
      const path = `/api/avatars?name=${encodeURIComponent(file.name)}`;
      const made = (await (await this.context.server.ask(path, { method: "POST", body: file })).json()) as Uploaded;
      this.kept = made.name;
      const { avatar } = this.context.theatre;
      if (this.name === name && avatar) this.look.coverage.show(labelled(name), avatar.format, made.report, false, true);
    } catch {
      // An older server keeps no avatars; the page's own report stands.
    }
  }

  /** Name by which the server knows the file dropped last. */
  private kept: string | null = null;

  /** Name of the avatar on the stage, as the server knows it. */
  get served(): string {
    return this.avatars.get(this.name)?.startsWith("blob:") ? (this.kept ?? "") : this.name;
  }

  /** A file may be dropped anywhere on the page. */
  private takeDrops(): void {
    let depth = 0;
    const carries = (event: DragEvent) => event.dataTransfer?.types.includes("Files") ?? false;
    const show = (on: boolean) => document.body.classList.toggle("dropping", on);
    document.addEventListener("dragenter", (event) => {
      if (!carries(event)) return;
      event.preventDefault();
      depth += 1;
      show(true);
    });
    document.addEventListener("dragover", (event) => event.preventDefault());
    document.addEventListener("dragleave", () => {
      depth = Math.max(depth - 1, 0);
      show(depth > 0);
    });
    document.addEventListener("drop", (event) => {
      event.preventDefault();
      depth = 0;
      show(false);
      const file = event.dataTransfer?.files[0];
      if (file) void this.drop(file);
    });
  }
}
