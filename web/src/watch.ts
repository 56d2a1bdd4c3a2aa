/** The views without controls: ?obs=1, the avatar alone; ?embed=1, the avatar and a small bar. */

import { Captions } from "./captions.ts";
import { readAvatars } from "./catalogue.ts";
import { h, icon } from "./dom.ts";
import { remembered, rememberedNumber } from "./memory.ts";
import type { Options } from "./options.ts";
import { Backdrop } from "./panels/backdrop.ts";
import { type Lighting, LIGHTINGS } from "./lights.ts";
import { probe } from "./probe.ts";
import { type Message } from "./protocol.ts";
import { saying, Server } from "./server.ts";
import { bind, strings } from "./strings.ts";
import { Theatre } from "./theatre.ts";

function get<T extends HTMLElement>(id: string): T {
  return document.getElementById(id) as T;
}

export class Watch {
  private readonly server = new Server();
  private readonly theatre: Theatre;
  private readonly captions = new Captions(get("caption"));
  private name = "";
  /** Whether what is written is answered. */
  private asks = false;
  private rename = (): void => {};

  constructor(private readonly options: Options) {
    document.body.classList.add(options.obs ? "obs" : "embed");
    const canvas = get<HTMLCanvasElement>("view");
    this.theatre = new Theatre(
      {
        canvas,
        server: this.server,
        follow: options.follow,
        transport: options.transport,
        audience: {
          link: () => {},
          ready: (message) => {
            this.asks = message.talk?.available ?? false;
            this.rename();
            void this.enter();
          },
          activity: (activity) => {
            document.body.dataset["activity"] = activity;
            if (activity === "idle") this.captions.clear();
          },
          message: (message) => this.message(message),
        },
      },
      () => {
        const { heardSample } = this.theatre.performer;
        if (heardSample !== null) this.captions.at(heardSample);
      },
    );
    this.captions.wanted = options.embed;
    new Backdrop(get("backdrop"), options.background, options.background === "transparent");
    this.theatre.stage?.man.frame(options.camera);
    const light = remembered("light") as Lighting | null;
    if (light && LIGHTINGS.includes(light)) this.theatre.stage?.lights.set(light, rememberedNumber("brightness", 1));
    bind(canvas, (node) => node.setAttribute("aria-label", strings.view));
    window.rhapsode = probe(this.theatre, () => this.name);
    if (options.embed) this.bar();
  }

  open(): void {
    const { player, connection } = this.theatre.performer;
    void player.unlock().catch(() => {});
    document.addEventListener("pointerdown", () => void player.unlock().catch(() => {}), { once: true });
    connection.connect();
  }

  /** A line of text and a button, for pages that show the stage in a frame. */
  private bar(): void {
    this.theatre.steer(() => false);
    const text = h("input", { id: "text", attributes: { type: "text", maxlength: "2000", autocomplete: "off" } });
    const speak = h("button", { class: "speak", id: "speak", attributes: { type: "submit" } });
    this.rename = () => {
      text.placeholder = this.asks ? strings.askPlaceholder : strings.placeholder;
      text.setAttribute("aria-label", this.asks ? strings.askText : strings.text);
      speak.setAttribute("aria-label", this.asks ? strings.ask : strings.speak);
      speak.replaceChildren(icon(this.asks ? "send" : "play"));
    };
    bind(text, () => this.rename());
    const form = h("form", { class: "bar" }, text, speak);
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      void this.theatre.performer.player.unlock().catch(() => {});
      if (text.value.trim()) this.theatre.performer.request({ type: this.asks ? "ask" : "say", text: text.value.trim() });
      text.value = "";
    });
    get("dock-panel").append(form);
  }

  private async enter(): Promise<void> {
    if (this.theatre.avatar) return;
    try {
      const { avatars, chosen } = await readAvatars(this.server);
      this.name = [this.options.avatar, remembered("avatar"), chosen].find((name) => name !== null && avatars.has(name)) ?? "";
      const url = avatars.get(this.name);
      if (url && (await this.theatre.enter(url))) document.body.classList.add("shown");
    } catch (error) {
      get("notice").textContent = `${strings.noAvatar}: ${saying(error)}`;
      get("notice").hidden = this.options.obs;
    }
  }

  private message(message: Message): void {
    if (message.type === "begin") this.captions.clear();
    else if (message.type === "words") this.captions.add(message.words);
  }
}
