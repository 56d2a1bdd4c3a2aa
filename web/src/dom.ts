/** Making elements, with words that follow the language. */

import { bind, type Strings, strings } from "./strings.ts";

/** Words as they are, or as the language says them. */
export type Words = string | ((words: Strings) => string);

export interface Parts {
  class?: string;
  id?: string;
  text?: Words;
  /** The accessible name. */
  label?: Words;
  title?: Words;
  attributes?: Record<string, string>;
  on?: { [K in keyof HTMLElementEventMap]?: (event: HTMLElementEventMap[K]) => void };
}

function follow<E extends Element>(element: E, words: Words, write: (element: E, words: string) => void): void {
  if (typeof words === "string") write(element, words);
  else bind(element, (node) => write(node, words(strings)));
}

export function h<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  parts: Parts = {},
  ...children: (Node | string)[]
): HTMLElementTagNameMap[K] {
  const element = document.createElement(tag);
  if (parts.class) element.className = parts.class;
  if (parts.id) element.id = parts.id;
  for (const [name, value] of Object.entries(parts.attributes ?? {})) element.setAttribute(name, value);
  if (parts.text !== undefined) follow<HTMLElement>(element, parts.text, (node, words) => (node.textContent = words));
  if (parts.label !== undefined) follow<HTMLElement>(element, parts.label, (node, words) => node.setAttribute("aria-label", words));
  if (parts.title !== undefined) follow<HTMLElement>(element, parts.title, (node, words) => (node.title = words));
  for (const [name, act] of Object.entries(parts.on ?? {})) element.addEventListener(name, act as EventListener);
  element.append(...children);
  return element;
}

/** Paths of 24 x 24 line drawings. */
const ICONS: Record<string, string> = {
  look: "M12 12.5a4 4 0 1 0 0-8 4 4 0 0 0 0 8zM4.5 20c.8-3.6 3.8-5.5 7.5-5.5s6.7 1.9 7.5 5.5",
  sound: "M12 3.5a3 3 0 0 1 3 3v5a3 3 0 0 1-6 0v-5a3 3 0 0 1 3-3zM6 11.5a6 6 0 0 0 12 0M12 17.5v3M9 20.5h6",
  face: "M12 3.8a8.2 8.2 0 1 0 0 16.4 8.2 8.2 0 0 0 0-16.4zM8.4 13.6c.8 1.6 2.1 2.4 3.6 2.4s2.8-.8 3.6-2.4M9.2 9.3v.4M14.8 9.3v.4",
  outputs: "M4 12h5M15 6h5M15 18h5M9 12c4 0 2-6 6-6M9 12c4 0 2 6 6 6M6 12",
  takes: "M4.5 6.5h15v11h-15zM8 6.5v11M16 6.5v11M4.5 10H8M4.5 14H8M16 10h3.5M16 14h3.5",
  timing: "M3.5 13h3.5l2.5-7 4 12 2.5-7 1 2h3.5",
  check: "M12 3.5l7 2.8v5c0 4.5-3 7.7-7 9.2-4-1.5-7-4.7-7-9.2v-5zM8.8 12l2.3 2.3 4.2-4.4",
  talk: "M4.5 5.5h15v10h-8l-4.5 3.8v-3.8h-2.5zM9 9v3M12 8v5M15 9v3",
  settings: "M4 7h9M17 7h3M15 5v4M4 12h3M11 12h9M9 10v4M4 17h9M17 17h3M15 15v4",
  history: "M12 7.5v4.8l3.2 2M4.5 12a7.5 7.5 0 1 0 2.4-5.5M4.5 5v3.5H8",
  hear: "M12 3.5a3 3 0 0 1 3 3v5a3 3 0 0 1-6 0v-5a3 3 0 0 1 3-3zM6 11.5a6 6 0 0 0 12 0M12 17.5v3M9 20.5h6",
  wave: "M4 10.5v3M8 7.5v9M12 4.5v15M16 7.5v9M20 10.5v3",
  think: "M6 12h.1M12 12h.1M18 12h.1",
  send: "M5 12h13M12.5 6.5L18 12l-5.5 5.5",
  link: "M10.5 13.5a3.5 3.5 0 0 0 5 0l3-3a3.5 3.5 0 0 0-5-5l-1 1M13.5 10.5a3.5 3.5 0 0 0-5 0l-3 3a3.5 3.5 0 0 0 5 5l1-1",
  copy: "M9 9h10.5v10.5H9zM15 9V4.5H4.5V15H9",
  pen: "M5 19l1-4L16 5l3 3L9 18z",
  close: "M6.5 6.5l11 11M17.5 6.5l-11 11",
  play: "M8 5.5v13l11-6.5z",
  stop: "M7 7h10v10H7z",
  edit: "M6 5v9M6 18v1M12 5v3M12 12v7M18 5v8M18 17v2M4 16h4M10 10h4M16 15h4",
  remove: "M5 7h14M10 7V4.5h4V7M7 7l.8 12.5h8.4L17 7M10.5 10.5v5.5M13.5 10.5v5.5",
  back: "M14.5 5.5L8 12l6.5 6.5",
  plus: "M12 5.5v13M5.5 12h13",
  captions: "M4 6h16v12H4zM10.5 10.6a2 2 0 1 0 0 2.8M16.8 10.6a2 2 0 1 0 0 2.8",
  volume: "M4 9.5v5h3.2L12 18.5v-13L7.2 9.5H4zM15 8.8a4.2 4.2 0 0 1 0 6.4M17.6 6.4a7.8 7.8 0 0 1 0 11.2",
  theme: "M12 4a8 8 0 1 0 8 8 6.2 6.2 0 0 1-8-8z",
  download: "M12 4.5v10M7.5 10.5l4.5 4.5 4.5-4.5M5 19.5h14",
  file: "M12 15.5v-10M7.5 9.5L12 5l4.5 4.5M5 19.5h14",
  reset: "M5.5 12a6.5 6.5 0 1 0 2-4.7M5 4.5v4h4",
};

export function icon(name: string): SVGSVGElement {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("viewBox", "0 0 24 24");
  svg.setAttribute("class", `icon icon-${name}`);
  svg.setAttribute("aria-hidden", "true");
  const path = document.createElementNS("http://www.w3.org/2000/svg", "path");
  path.setAttribute("d", ICONS[name] ?? "");
  svg.append(path);
  return svg;
}

/** A button with an icon and a name that only screen readers and tooltips tell. */
export function iconButton(name: string, label: Words, act: (event: MouseEvent) => void, kind = ""): HTMLButtonElement {
  return h("button", { class: `icon-button ${kind}`, label, title: label, attributes: { type: "button" }, on: { click: act } }, icon(name));
}

export function button(text: Words, act: (event: MouseEvent) => void, kind = "", mark = ""): HTMLButtonElement {
  const parts = [...(mark ? [icon(mark)] : []), h("span", { text })];
  return h("button", { class: `button ${kind}`, attributes: { type: "button" }, on: { click: act } }, ...parts);
}

/** A part of a panel under a heading. */
export function part(title: Words, ...children: (Node | string)[]): HTMLElement {
  return h("section", { class: "part" }, h("h3", { text: title }), ...children);
}

export function hint(text: Words): HTMLElement {
  return h("p", { class: "hint", text });
}

/** One of several, as a row of chips. */
export class Choice {
  readonly element: HTMLElement;
  private readonly inputs = new Map<string, HTMLInputElement>();

  constructor(
    private readonly name: string,
    label: Words,
    private readonly act: (value: string) => void,
    kind = "chips",
  ) {
    this.element = h("div", { class: kind, label, attributes: { role: "radiogroup" } });
  }

  /** Shows these values. `dress` may put something before the word. */
  fill(values: readonly string[], chosen: string, word: (value: string) => Words, dress?: (value: string) => Node | null): void {
    this.inputs.clear();
    this.element.replaceChildren(
      ...values.map((value) => {
        const input = h("input", { attributes: { type: "radio", name: this.name, value } });
        input.checked = value === chosen;
        input.addEventListener("change", () => this.act(value));
        this.inputs.set(value, input);
        const mark = dress?.(value);
        return h("label", { class: "chip" }, input, ...(mark ? [mark] : []), h("span", { text: word(value) }));
      }),
    );
  }

  set value(value: string) {
    for (const [name, input] of this.inputs) input.checked = name === value;
  }

  /** Moves as if the user had. */
  choose(value: string): void {
    this.value = value;
    this.act(value);
  }
}

/** A named slider with its number. */
export function slider(
  parts: { name: string; label: Words; hint?: Words; low: number; high: number; step?: number; value: number; show?: (value: number) => string },
  act: (value: number) => void,
): { element: HTMLElement; input: HTMLInputElement; set: (value: number) => void } {
  const show = parts.show ?? ((value: number) => value.toFixed(2));
  const input = h("input", { attributes: { type: "range", name: parts.name, min: String(parts.low), max: String(parts.high), step: String(parts.step ?? 0.01) } });
  const output = h("output");
  const fill = () => {
    output.textContent = show(input.valueAsNumber);
    input.style.setProperty("--filled", `${((input.valueAsNumber - parts.low) / (parts.high - parts.low)) * 100}%`);
  };
  const set = (value: number) => {
    input.value = String(value);
    fill();
  };
  set(parts.value);
  input.addEventListener("input", () => {
    fill();
    act(input.valueAsNumber);
  });
  const name = h("span", { class: "slider-name", text: parts.label });
  const small = parts.hint ? [h("small", { text: parts.hint })] : [];
  return { element: h("label", { class: "slider" }, name, output, input, ...small), input, set };
}

/** A switch with its name. */
export function toggle(name: string, label: Words, on: boolean, act: (on: boolean) => void): { element: HTMLElement; input: HTMLInputElement } {
  const input = h("input", { attributes: { type: "checkbox", role: "switch", name } });
  input.checked = on;
  input.addEventListener("change", () => act(input.checked));
  return { element: h("label", { class: "switch" }, h("span", { text: label }), input), input };
}
