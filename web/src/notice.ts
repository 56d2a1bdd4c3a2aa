/** Short messages above the controls, one at a time, perhaps with something to do about them. */

import { button, h, iconButton, type Words } from "./dom.ts";

const SHOWN_MS = 8000;

export class Notice {
  private timer = 0;
  private gone: () => void = () => {};

  constructor(private readonly element: HTMLElement) {}

  /** Shows `message` until it is closed, a while has passed, or another comes; then `gone` is called once. */
  tell(message: string, kind: "info" | "error" = "error", action?: { text: Words; act: () => void }, gone: () => void = () => {}): void {
    this.clear();
    this.gone = gone;
    const parts: Node[] = [h("span", { text: message })];
    if (action) {
      parts.push(
        button(action.text, () => {
          this.gone = () => {};
          this.clear();
          action.act();
        }, "quiet"),
      );
    }
    parts.push(iconButton("close", (words) => words.close, () => this.clear(), "small"));
    this.element.replaceChildren(...parts);
    this.element.dataset["kind"] = kind;
    this.element.setAttribute("role", kind === "error" ? "alert" : "status");
    this.element.hidden = false;
    this.timer = window.setTimeout(() => this.clear(), SHOWN_MS);
  }

  clear(): void {
    window.clearTimeout(this.timer);
    this.element.hidden = true;
    const { gone } = this;
    this.gone = () => {};
    gone();
  }
}
