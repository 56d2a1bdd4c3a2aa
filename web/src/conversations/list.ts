/** The list of conversations, with its search. */

import { button, h } from "../dom.ts";
import type { Server } from "../server.ts";
import { bind } from "../strings.ts";
import type { Page, Row } from "./types.ts";
import { shown, words } from "./words.ts";

const PAGE = 30;

export class List {
  readonly element: HTMLElement;
  private readonly rows = h("ul", { class: "rows" });
  private readonly count = h("p", { class: "soft", attributes: { role: "status" } });
  private readonly more = button(() => words().more, () => void this.load(true), "more");
  private readonly field: HTMLInputElement;
  private next: string | null = null;
  private chosen = "";
  private asked = 0;
  private timer = 0;

  constructor(
    private readonly server: Server,
    private readonly told: (page: Page) => void,
    private readonly failed: (error: unknown) => void,
  ) {
    this.field = h("input", { class: "search", label: () => words().search, attributes: { type: "search" } });
    bind(this.field, (field) => (field.placeholder = words().search));
    this.field.addEventListener("input", () => {
      clearTimeout(this.timer);
      this.timer = window.setTimeout(() => void this.load(), 200);
    });
    this.element = h("section", { class: "list", label: () => words().title }, this.field, this.count, this.rows, this.more);
  }

  /** Shows which one is read. */
  mark(id: string): void {
    this.chosen = id;
    for (const link of this.rows.querySelectorAll("a")) {
      if (link.hash === `#c=${id}`) link.setAttribute("aria-current", "true");
      else link.removeAttribute("aria-current");
    }
  }

  async load(further = false): Promise<void> {
    const asked = ++this.asked;
    const query = new URLSearchParams({ limit: String(PAGE), search: this.field.value });
    if (further && this.next) query.set("before", this.next);
    try {
      const page = await this.server.read<Page>(`/api/conversations?${query}`);
      if (asked !== this.asked) return;
      const rows = page.conversations.map((row) => this.row(row));
      if (further) this.rows.append(...rows);
      else this.rows.replaceChildren(...rows);
      this.next = page.next;
      this.more.hidden = page.next === null;
      const none = this.field.value ? words().noneFound : words().none;
      this.count.textContent = page.total ? words().counted(this.rows.children.length, page.total) : none;
      this.mark(this.chosen);
      this.told(page);
    } catch (error) {
      this.failed(error);
    }
  }

  private row(row: Row): HTMLElement {
    const facts = [words().turns(row.turns), row.person, row.sound ? words().withSound : ""].filter(Boolean).join(" · ");
    const lacking = row.unanswered ? [h("span", { class: "badge", text: words().lacking(row.unanswered) })] : [];
    return h(
      "li",
      {},
      h(
        "a",
        { class: "row", attributes: { href: `#c=${row.id}` } },
        h("span", { class: "soft", text: shown(row.began) }),
        h("strong", { text: row.first || "…", attributes: { lang: row.language || "und" } }),
        h("span", { class: "soft" }, facts, ...lacking),
      ),
    );
  }
}
