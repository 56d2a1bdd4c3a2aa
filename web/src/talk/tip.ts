/** A small window beside a control that says more, while the pointer or the focus is on it. */

import { h } from "../dom.ts";

let made = 0;

/** Lets `write` fill a tip of `control` whenever it is to be seen. */
export function tip(control: HTMLElement, write: () => Node[]): void {
  const id = `tip-${(made += 1)}`;
  let shown: HTMLElement | null = null;
  const hide = () => {
    shown?.remove();
    shown = null;
    control.removeAttribute("aria-describedby");
    window.removeEventListener("scroll", hide, true);
  };
  const show = () => {
    if (shown) return;
    shown = h("div", { class: "tip", id, attributes: { role: "tooltip" } }, ...write());
    document.body.append(shown);
    const here = control.getBoundingClientRect();
    const { width, height } = shown.getBoundingClientRect();
    const left = Math.min(Math.max(here.left, 8), window.innerWidth - width - 8);
    const above = here.top - height - 8;
    shown.style.left = `${left}px`;
    shown.style.top = `${above > 8 ? above : here.bottom + 8}px`;
    control.setAttribute("aria-describedby", id);
    window.addEventListener("scroll", hide, true);
  };
  control.addEventListener("mouseenter", show);
  control.addEventListener("focus", show);
  control.addEventListener("click", show);
  control.addEventListener("mouseleave", () => document.activeElement !== control && hide());
  control.addEventListener("blur", hide);
  control.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || !shown) return;
    event.stopPropagation();
    hide();
  });
}
