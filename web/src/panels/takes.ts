/** The panel of takes: record, browse, play, rename, delete; trimming and export are in trim.ts. */

import type { Context } from "../context.ts";
import { h, hint, iconButton, part } from "../dom.ts";
import type { Recording } from "../protocol.ts";
import { Absent, saying } from "../server.ts";
import type { Panel } from "../sheet.ts";
import { language, onLanguage, strings } from "../strings.ts";
import { TrimView } from "./trim.ts";

export interface Take {
  id: string;
  name: string;
  seconds: number;
  /** Seconds since 1970, or a date in ISO 8601. */
  created: number | string;
  has_sound: boolean;
  text: string;
}

export function clock(seconds: number): string {
  const whole = Math.max(Math.floor(seconds), 0);
  return `${Math.floor(whole / 60)}:${String(whole % 60).padStart(2, "0")}`;
}

export class TakesPanel implements Panel {
  readonly id = "takes";
  readonly title = (words: typeof strings) => words.takes;
  readonly element: HTMLElement;
  private takes: Take[] = [];
  private trim: TrimView | null = null;
  private on = false;
  private leaving: { take: Take; timer: number } | null = null;
  private readonly record = h("button", { class: "button record wide", id: "record", attributes: { type: "button", "aria-pressed": "false" } });
  private readonly list = h("ul", { class: "cards", id: "takes" });
  private readonly none = hint((words) => words.noTakes);
  private readonly overview: HTMLElement;

  constructor(
    private readonly context: Context,
    private readonly badge: HTMLElement,
  ) {
    this.record.addEventListener("click", () => {
      const name = `${strings.take} ${new Date().toLocaleTimeString(language, { hour: "2-digit", minute: "2-digit", hourCycle: "h23" })}`;
      context.performer.send(this.on ? { type: "record", on: false } : { type: "record", on: true, name });
    });
    this.overview = h("div", {}, part((words) => words.record, this.record, hint((words) => words.recordHint)), part((words) => words.takes, this.none, this.list));
    this.element = h("div", {}, this.overview);
    onLanguage(() => {
      this.drawRecord(0);
      this.draw();
    });
    window.addEventListener("pagehide", () => this.finishLeaving(true));
    this.drawRecord(0);
    this.able();
  }

  /** Greys out what this server cannot do. */
  able(): void {
    this.record.disabled = !this.context.modern;
  }

  shown(on: boolean): void {
    if (on) void this.load();
  }

  /** What the server says of the recording. */
  recorded(recording: Recording): void {
    const was = this.on;
    this.on = recording.on;
    if (recording.error) this.context.tell(recording.error);
    this.badge.hidden = !recording.on;
    this.badge.textContent = clock(recording.seconds);
    this.drawRecord(recording.seconds);
    if (was && !recording.on) void this.load();
  }

  private drawRecord(seconds: number): void {
    this.record.setAttribute("aria-pressed", String(this.on));
    this.record.replaceChildren(
      h("i", { class: "record-dot" }),
      this.on ? strings.stopRecording : strings.record,
      ...(this.on ? [h("span", { class: "time", text: clock(seconds) })] : []),
    );
  }

  private async load(): Promise<void> {
    try {
      this.takes = (await this.context.server.read<Take[]>("/api/takes")).filter(({ id }) => id !== this.leaving?.take.id);
    } catch (error) {
      if (!(error instanceof Absent)) return this.context.tell(saying(error));
      this.none.textContent = strings.notHere;
      return;
    }
    this.draw();
  }

  private draw(): void {
    this.none.hidden = this.takes.length > 0;
    this.list.replaceChildren(...this.takes.map((take) => this.card(take)));
  }

  private card(take: Take): HTMLElement {
    const name = h("input", { class: "name-field", label: (words) => words.takeName, attributes: { type: "text", value: take.name, maxlength: "80", name: "take-name" } });
    name.addEventListener("change", () => void this.rename(take, name));
    name.addEventListener("keydown", (event) => {
      if (event.key === "Enter") name.blur();
    });
    const when = new Date(typeof take.created === "number" ? take.created * 1000 : take.created);
    const day = Number.isNaN(when.valueOf()) ? "" : ` · ${when.toLocaleString(language, { dateStyle: "medium", timeStyle: "short" })}`;
    return h(
      "li",
      { class: "card take", attributes: { "data-id": take.id } },
      h(
        "div",
        { class: "card-head" },
        iconButton("play", (words) => `${words.play}: ${take.name}`, () => this.context.play({ type: "take", id: take.id, start_s: 0, end_s: null }), "accent"),
        name,
        iconButton("edit", (words) => `${words.edit}: ${take.name}`, () => this.edit(take)),
        iconButton("remove", (words) => `${words.remove_take}: ${take.name}`, () => this.leave(take)),
      ),
      h("p", { class: "hint numbers", text: `${clock(take.seconds)}${day}` }),
      ...(take.text ? [h("p", { class: "quote", text: take.text })] : []),
    );
  }

  private async rename(take: Take, field: HTMLInputElement): Promise<void> {
    const name = field.value.trim();
    if (!name || name === take.name) {
      field.value = take.name;
      return;
    }
    try {
      await this.context.server.send("PATCH", `/api/takes/${encodeURIComponent(take.id)}`, { name });
      take.name = name;
    } catch (error) {
      field.value = take.name;
      this.context.tell(saying(error));
    }
  }

  /** Takes one from the list; the server deletes it when it is too late for an undo. */
  private leave(take: Take): void {
    this.finishLeaving();
    const at = this.takes.indexOf(take);
    this.takes.splice(at, 1);
    this.draw();
    this.leaving = { take, timer: 0 };
    const back = () => {
      this.leaving = null;
      this.takes.splice(at, 0, take);
      this.draw();
    };
    this.context.tell(strings.removed(take.name), "info", { text: (words) => words.undo, act: back }, () => this.finishLeaving());
  }

  private finishLeaving(last = false): void {
    if (!this.leaving) return;
    const { id } = this.leaving.take;
    this.leaving = null;
    this.context.server
      .ask(`/api/takes/${encodeURIComponent(id)}`, { method: "DELETE", keepalive: last })
      .catch((error: unknown) => {
        this.context.tell(saying(error));
        void this.load();
      });
  }

  private edit(take: Take): void {
    this.trim = new TrimView(this.context, take, () => this.browse());
    this.overview.hidden = true;
    this.element.append(this.trim.element);
    this.trim.focus();
  }

  private browse(): void {
    const id = this.trim?.take.id;
    this.trim?.element.remove();
    this.trim = null;
    this.overview.hidden = false;
    this.draw();
    this.list.querySelector<HTMLElement>(`[data-id="${CSS.escape(id ?? "")}"] .icon-edit`)?.closest("button")?.focus();
  }

  /** Once for every video frame. */
  tick(): void {
    this.trim?.tick();
  }
}
