/** Latency as pictures: bars of stages, one for a turn or many beside each other. */

import { h } from "../dom.ts";
import type { Latency } from "./types.ts";
import { milliseconds, words } from "./words.ts";

const STAGES = ["turn_end", "recognise", "think", "speak", "perform"];
const SVG = "http://www.w3.org/2000/svg";
const WIDE = 720;
const HIGH = 200;
const LEFT = 52;
const SHOWN = 80;

function parts(stages: Record<string, number>): [string, number][] {
  return STAGES.filter((name) => (stages[name] ?? 0) > 0).map((name) => [name, stages[name] ?? 0]);
}

/** The stages of one turn, as a bar with its numbers. */
export function stagesOf(stages: Record<string, number>): HTMLElement {
  const found = parts(stages);
  const told = found.map(([name, ms]) => `${words().stages[name]} ${milliseconds(ms)}`).join(", ");
  const bars = found.map(([name, ms]) => {
    const bar = h("i", { class: `stage-${name}` });
    bar.style.flexGrow = String(ms);
    return bar;
  });
  return h("div", { class: "stages", title: told, label: told, attributes: { role: "img" } }, ...bars);
}

function draw(tag: string, attributes: Record<string, string | number>, text = ""): SVGElement {
  const element = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, String(value));
  element.textContent = text;
  return element;
}

/** A round number above `value`: 1, 2 or 5 with zeros. */
export function above(value: number): number {
  const ten = 10 ** Math.floor(Math.log10(Math.max(value, 1)));
  return ([1, 2, 5, 10].find((one) => one * ten >= value) ?? 10) * ten;
}

/** The newest turns, each a bar of its stages. */
export function chart(latency: Latency): HTMLElement {
  const turns = latency.turns.slice(-SHOWN);
  const top = above(Math.max(...turns.map(({ total_ms }) => total_ms)));
  const svg = draw("svg", { viewBox: `0 0 ${WIDE} ${HIGH + 24}`, role: "img", "aria-label": words().chart(turns.length) });
  for (const part of [0, 0.25, 0.5, 0.75, 1]) {
    const y = 8 + HIGH * (1 - part);
    svg.append(draw("line", { class: "grid", x1: LEFT, x2: WIDE, y1: y, y2: y }), draw("text", { x: LEFT - 8, y: y + 4, "text-anchor": "end" }, milliseconds(part * top)));
  }
  let others = false;
  const step = Math.min((WIDE - LEFT) / turns.length, 24);
  turns.forEach((turn, k) => {
    let y = 8 + HIGH;
    const told = parts(turn.stages_ms);
    const known = told.reduce((sum, [, ms]) => sum + ms, 0);
    const rest: [string, number][] = turn.total_ms - known > 1 ? [["rest", turn.total_ms - known]] : [];
    others ||= rest.length > 0;
    for (const [name, ms] of [...told, ...rest]) {
      const high = (HIGH * ms) / top;
      y -= high;
      svg.append(draw("rect", { class: `stage-${name}`, x: LEFT + k * step + step * 0.12, y, width: step * 0.76, height: high }));
    }
  });
  const keys = [...STAGES.filter((name) => turns.some(({ stages_ms }) => stages_ms[name])), ...(others ? ["rest"] : [])];
  const legend = h("ul", { class: "legend" }, ...keys.map((name) => h("li", {}, h("i", { class: `stage-${name}`, attributes: { "aria-hidden": "true" } }), words().stages[name] ?? name)));
  const figure = h("figure", { class: "chart" }, legend);
  figure.prepend(svg);
  return figure;
}
