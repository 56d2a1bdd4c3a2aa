/** The coverage report: which of the 52 shapes an avatar has, which have stand-ins, which are missing. */

import { h } from "../dom.ts";
import { onLanguage, strings } from "../strings.ts";

const KINDS = [
  ["found", "found"],
  ["stood_in", "stoodIn"],
  ["missing", "missing"],
] as const;

/** Names, whether they come as a list or, with what stands in for each, as a table. */
type Listed = readonly string[] | Record<string, string>;

export type Report = Record<"found" | "stood_in" | "missing", Listed>;

function listed(names: Listed): readonly string[] {
  return Array.isArray(names) ? (names as readonly string[]) : Object.keys(names);
}

/** Names with what stands in for each, where the report tells. */
function words(names: Listed): string {
  if (Array.isArray(names)) return names.join(", ");
  return Object.entries(names).map(([name, by]) => `${name} (${by})`).join(", ");
}

export class CoverageView {
  readonly element = h("details", { class: "coverage", id: "coverage" });
  private shown: { name: string; format: string; report: Report; here: boolean } | null = null;

  constructor() {
    this.element.hidden = true;
    onLanguage(() => this.draw());
  }

  /** Shows the report of an avatar, folded unless `open`; `here` if this page made it. */
  show(name: string, format: string, report: Report, here: boolean, open = false): void {
    this.element.open = open;
    this.shown = { name, format, report, here };
    this.draw();
  }

  hide(): void {
    this.shown = null;
    this.element.hidden = true;
  }

  private draw(): void {
    if (!this.shown) return;
    const { name, format, report, here } = this.shown;
    const [found, stoodIn, missing] = KINDS.map(([kind]) => listed(report[kind]).length) as [number, number, number];
    const total = Math.max(found + stoodIn + missing, 1);
    const bar = h("div", { class: "coverage-bar", attributes: { "aria-hidden": "true" } });
    const rows = KINDS.map(([kind, word]) => {
      const names = listed(report[kind]);
      if (names.length) bar.append(h("i", { class: kind, attributes: { style: `flex: ${names.length / total}` } }));
      const head = h("summary", {}, h("i", { class: `dot ${kind}` }), h("b", { text: String(names.length) }), ` ${strings[word]}`);
      return h("details", {}, head, h("p", { class: "names", text: words(report[kind]) || "–" }));
    });
    const nothing = found + stoodIn === 0;
    this.element.replaceChildren(
      h("summary", {}, h("b", { text: strings.coverage }), h("span", { text: strings.coverageShort(total - missing, total) }), bar),
      h("p", { class: "hint", text: `${name} · ${format} · ${strings.coverageHint(here)}` }),
      ...(nothing ? [h("p", { class: "warning", text: strings.noFace })] : []),
      ...rows,
    );
    this.element.hidden = false;
  }
}
