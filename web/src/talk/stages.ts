/** Where the milliseconds of an answer went, as bars. */

import { h } from "../dom.ts";
import { labelled, strings } from "../strings.ts";

const ORDER = ["turn_end", "recognise", "think", "speak", "perform"];

/** Names of the stages in the order in which they happen; unknown ones come last. */
export function inOrder(names: Iterable<string>): string[] {
  const found = [...names];
  return [...ORDER.filter((name) => found.includes(name)), ...found.filter((name) => !ORDER.includes(name))];
}

/** A list with a bar for each stage, placed where it happens within the whole. */
export function stageBars(totalMs: number, stagesMs: Readonly<Record<string, number>>): HTMLElement {
  const names = inOrder(Object.keys(stagesMs));
  const whole = Math.max(totalMs, names.reduce((sum, name) => sum + (stagesMs[name] ?? 0), 0), 1);
  let before = 0;
  const rows = names.map((name) => {
    const ms = stagesMs[name] ?? 0;
    const bar = h("i", { class: "span", attributes: { "aria-hidden": "true" } });
    bar.style.setProperty("--from", String(before / whole));
    bar.style.setProperty("--part", String(ms / whole));
    before += ms;
    return h("div", {}, h("dt", { text: strings.stages[name] ?? labelled(name) }), h("dd", {}, bar, h("b", { text: `${Math.round(ms)} ms` })));
  });
  const total = h("div", { class: "whole" }, h("dt", { text: strings.total }), h("dd", {}, h("b", { text: `${Math.round(totalMs)} ms` })));
  return h("dl", { class: "stages" }, ...rows, total);
}
