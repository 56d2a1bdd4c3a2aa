/** The panel of appearance: avatar, camera, background, light. */

import { FRAMINGS, type Framing } from "../camera.ts";
import type { Context } from "../context.ts";
import { button, Choice, h, hint, part, slider } from "../dom.ts";
import { type Lighting, LIGHTINGS } from "../lights.ts";
import { remember, remembered, rememberedNumber } from "../memory.ts";
import type { Panel } from "../sheet.ts";
import { labelled, strings } from "../strings.ts";
import { Backdrop, BACKDROPS } from "./backdrop.ts";
import { CoverageView } from "./coverage.ts";

/** Avatars whose pictures lie beside the page. */
const PICTURED = new Set(["kofi", "mira", "noor", "teo"]);
const PLAIN = ["paper", "sand", "sage", "dusk", "night"];

export class LookPanel implements Panel {
  readonly id = "look";
  readonly title = (words: typeof strings) => words.look;
  readonly element: HTMLElement;
  readonly coverage = new CoverageView();
  private readonly avatars: Choice;
  private readonly framings: Choice;
  private readonly backdrops: Choice;
  private names: string[] = [];

  constructor(
    private readonly context: Context,
    readonly backdrop: Backdrop,
    actions: { avatar(name: string): void; file(file: File): void },
  ) {
    this.avatars = new Choice("avatar", (words) => words.avatar, actions.avatar, "faces");
    this.framings = new Choice("camera", (words) => words.camera, (name) => this.frame(name as Framing), "segments");
    this.backdrops = new Choice("background", (words) => words.background, (name) => this.paint(name), "swatches");
    this.element = h(
      "div",
      {},
      part((words) => words.avatar, this.avatars.element, this.fileRow(".vrm,.glb", (words) => words.openFile, actions.file),
        hint((words) => words.dropAnywhere), this.coverage.element),
      part((words) => words.camera, this.framings.element, this.cameraRow()),
      part((words) => words.background, this.backdrops.element, this.backgroundRow()),
      this.lightPart(),
    );
    const framing = context.theatre.stage?.man.framing ?? "bust";
    this.framings.fill(FRAMINGS, framing, (name) => (words) => words.framings[name] ?? name);
    this.backdrops.fill([...PLAIN, "transparent"], backdrop.kind, (name) => (words) => words.backdrops[name] ?? name, (name) =>
      h("i", { class: `swatch swatch-${name}`, attributes: { style: `--swatch: ${BACKDROPS[name] ?? "transparent"}` } }),
    );
  }

  private fileRow(accept: string, words: (words: typeof strings) => string, act: (file: File) => void): HTMLElement {
    const input = h("input", { attributes: { type: "file", accept, tabindex: "-1", "aria-hidden": "true" }, class: "hidden" });
    input.addEventListener("change", () => {
      const file = input.files?.[0];
      if (file) act(file);
      input.value = "";
    });
    const open = button(words, () => input.click(), "wide", "file");
    return h("div", { class: "file" }, open, input);
  }

  private cameraRow(): HTMLElement {
    const reset = button((words) => words.reset, () => this.context.theatre.stage?.man.reset(), "quiet");
    return h("div", { class: "hint-row" }, hint((words) => words.cameraHint), reset);
  }

  private backgroundRow(): HTMLElement {
    const colour = h("input", {
      class: "colour",
      label: (words) => words.ownColour,
      title: (words) => words.ownColour,
      attributes: { type: "color", value: this.backdrop.colour, name: "own-colour" },
    });
    colour.addEventListener("input", () => {
      this.backdrop.paint(colour.value);
      this.backdrops.value = "";
    });
    const picture = this.fileRow("image/*", (words) => words.ownPicture, (file) => {
      this.backdrops.value = "";
      this.backdrop.hang(file).catch(() => this.context.tell(strings.badFile(file.name)));
    });
    return h("div", { class: "pair" }, h("label", { class: "colour-row" }, colour, h("span", { text: (words) => words.ownColour })), picture);
  }

  private lightPart(): HTMLElement {
    const lights = this.context.theatre.stage?.lights;
    let chosen = (remembered("light") ?? "studio") as Lighting;
    if (!LIGHTINGS.includes(chosen)) chosen = "studio";
    let strength = rememberedNumber("brightness", 1);
    const apply = () => {
      lights?.set(chosen, strength);
      remember("light", chosen);
      remember("brightness", String(strength));
    };
    const choice = new Choice("light", (words) => words.lighting, (name) => {
      chosen = name as Lighting;
      apply();
    }, "segments");
    choice.fill(LIGHTINGS, chosen, (name) => (words) => words.lightings[name] ?? name);
    const level = slider({ name: "brightness", label: (words) => words.brightness, low: 0.3, high: 1.8, value: strength }, (value) => {
      strength = value;
      apply();
    });
    lights?.set(chosen, strength);
    return part((words) => words.lighting, choice.element, level.element);
  }

  fill(names: readonly string[], chosen: string): void {
    this.names = [...names];
    this.avatars.fill(names, chosen, (name) => labelled(name), (name) => portrait(name));
  }

  /** Shows an avatar that is not the server's among the others. */
  add(name: string): void {
    if (!this.names.includes(name)) this.fill([...this.names, name], name);
    this.avatars.value = name;
  }

  frame(framing: Framing): void {
    this.context.theatre.stage?.man.frame(framing);
    this.framings.value = framing;
    remember("camera", framing);
  }

  private paint(name: string): void {
    this.backdrop.paint(name);
  }
}

/** The small round picture of a shipped avatar, or the first letter of another. */
function portrait(name: string): HTMLElement {
  const letter = h("i", { class: "portrait", text: labelled(name).charAt(0), attributes: { "aria-hidden": "true" } });
  if (!PICTURED.has(name)) return letter;
  const image = new Image();
  image.alt = "";
  image.src = `./faces/${encodeURIComponent(name)}.jpg`;
  image.onload = () => letter.replaceChildren(image);
  return letter;
}
