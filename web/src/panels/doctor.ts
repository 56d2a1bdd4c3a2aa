/** The panel of checks: what is well and what is not, here and on the server, each with its remedy. */

import type { Context } from "../context.ts";
import { button, h, hint, part } from "../dom.ts";
import { Absent, saying } from "../server.ts";
import type { Panel } from "../sheet.ts";
import { onLanguage, strings } from "../strings.ts";

type State = "ok" | "warning" | "bad";

interface Check {
  name: string;
  state: State;
  message: string;
  remedy: string | null;
}

const SLOW_MS = 50;
const WORST: Record<State, number> = { bad: 0, warning: 1, ok: 2 };

export class DoctorPanel implements Panel {
  readonly id = "check";
  readonly title = (words: typeof strings) => words.check;
  readonly element: HTMLElement;
  private readonly here = h("ul", { class: "checks", id: "checks-here", attributes: { "aria-live": "polite" } });
  private readonly there = h("ul", { class: "checks", id: "checks-there", attributes: { "aria-live": "polite" } });
  private visible = false;

  constructor(private readonly context: Context) {
    const again = button((words) => words.again, () => void this.examine(), "wide");
    this.element = h(
      "div",
      {},
      hint((words) => words.checkHint),
      part((words) => words.thisBrowser, this.here),
      part((words) => words.tests["server"]?.[0] ?? "", this.there),
      again,
    );
    onLanguage(() => this.visible && void this.examine());
  }

  shown(on: boolean): void {
    this.visible = on;
    if (on) void this.examine();
  }

  /** A check of this page in the words of the language. */
  private check(name: string, state: State): Check {
    const [title, fine, trouble, remedy] = strings.tests[name] ?? [name, "", "", ""];
    return state === "ok" ? { name: title, state, message: fine, remedy: null } : { name: title, state, message: trouble, remedy };
  }

  private async examine(): Promise<void> {
    const { performer, theatre } = this.context;
    const checks = [
      this.check("secure", window.isSecureContext ? "ok" : "bad"),
      this.check("socket", performer.connection.open ? "ok" : "bad"),
      this.check("graphics", theatre.stage ? "ok" : "bad"),
      this.check("speed", theatre.intervals.median < SLOW_MS && !theatre.stage?.lean ? "ok" : "warning"),
      this.check("audio", performer.player.mute ? "warning" : "ok"),
      await this.microphone(),
    ];
    this.draw(this.here, checks);
    try {
      this.draw(this.there, (await this.context.server.read<{ checks: Check[] }>("/api/doctor")).checks);
    } catch (error) {
      const row = this.check("server", "warning");
      if (!(error instanceof Absent)) row.message = saying(error);
      this.draw(this.there, [row]);
    }
  }

  private async microphone(): Promise<Check> {
    if (!navigator.mediaDevices) return this.check("microphone", "bad");
    try {
      const { state } = await navigator.permissions.query({ name: "microphone" as PermissionName });
      if (state === "prompt") return this.check("microphoneAsk", "ok");
      return this.check("microphone", state === "granted" ? "ok" : "bad");
    } catch {
      return this.check("microphoneAsk", "ok"); // the browser does not tell
    }
  }

  private draw(list: HTMLElement, checks: readonly Check[]): void {
    const sorted = [...checks].sort((a, b) => WORST[a.state] - WORST[b.state]);
    list.replaceChildren(
      ...sorted.map(({ name, state, message, remedy }) =>
        h(
          "li",
          { attributes: { "data-state": state } },
          h("i", { class: "dot", attributes: { "aria-hidden": "true" } }),
          h("div", {}, h("strong", { text: name }), h("span", { class: "hidden", text: ` ${strings.states[state] ?? state}: ` }), h("p", { text: message }), ...(remedy && state !== "ok" ? [h("p", { class: "remedy", text: remedy })] : [])),
        ),
      ),
    );
  }
}
