/** The rail of panels and the sheet that shows one of them: beside the stage, or from below on a phone. */

import { h, icon, iconButton, type Words } from "./dom.ts";
import { remember, remembered } from "./memory.ts";

export interface Panel {
  readonly id: string;
  readonly title: Words;
  readonly element: HTMLElement;
  /** Called when it comes into view or leaves it. */
  shown?(on: boolean): void;
}

export class Sheet {
  private readonly buttons = new Map<string, HTMLButtonElement>();
  private readonly title = h("h2", { id: "sheet-title", attributes: { tabindex: "-1" } });
  private readonly body = h("div", { class: "sheet-body" });
  open: Panel | null = null;

  constructor(
    private readonly element: HTMLElement,
    rail: HTMLElement,
    private readonly panels: readonly Panel[],
    private readonly changed: () => void,
  ) {
    const head = h("header", { class: "sheet-head" }, this.title, iconButton("close", (words) => words.close, () => this.close()));
    element.append(head, this.body);
    element.setAttribute("aria-labelledby", "sheet-title");
    for (const panel of panels) {
      const button = h(
        "button",
        {
          class: "tab",
          id: `tab-${panel.id}`,
          attributes: { type: "button", "aria-expanded": "false", "aria-controls": element.id },
          on: { click: () => (this.open === panel ? this.close() : this.show(panel.id, true)) },
        },
        icon(panel.id),
        h("span", { text: panel.title }),
      );
      this.buttons.set(panel.id, button);
      rail.append(button);
      panel.element.classList.add("panel-body");
      panel.element.hidden = true;
      this.body.append(panel.element);
    }
    element.hidden = true;
    element.addEventListener("keydown", (event) => {
      // While something is spoken or thought, Escape stops that first.
      if (event.key !== "Escape" || document.body.dataset["busy"] === "true") return;
      event.stopPropagation();
      this.close();
    });
  }

  /** Opens the panel that was open last, where there is room for it. */
  restore(): void {
    const last = remembered("panel");
    if (last && window.innerWidth >= 1000) this.show(last, false);
  }

  /** Brings a panel into view; `focus` takes the reader there. */
  show(id: string, focus: boolean): void {
    const panel = this.panels.find((candidate) => candidate.id === id);
    if (!panel) return;
    if (this.open !== panel) {
      this.leave();
      this.open = panel;
      panel.element.hidden = false;
      this.element.hidden = false;
      const words = this.buttons.get(id)?.querySelector("span");
      this.title.textContent = words?.textContent ?? "";
      this.buttons.get(id)?.setAttribute("aria-expanded", "true");
      this.body.scrollTop = 0;
      panel.shown?.(true);
      remember("panel", id);
      document.body.classList.add("sheet-open");
      this.changed();
    }
    if (focus) this.title.focus({ preventScroll: true });
  }

  private leave(): void {
    if (!this.open) return;
    this.open.element.hidden = true;
    this.buttons.get(this.open.id)?.setAttribute("aria-expanded", "false");
    this.open.shown?.(false);
    this.open = null;
  }

  close(): void {
    const back = this.open ? this.buttons.get(this.open.id) : null;
    this.leave();
    this.element.hidden = true;
    remember("panel", null);
    document.body.classList.remove("sheet-open");
    this.changed();
    back?.focus();
  }

  /** After a change of the language. */
  rename(): void {
    if (this.open) this.title.textContent = this.buttons.get(this.open.id)?.querySelector("span")?.textContent ?? "";
  }
}
