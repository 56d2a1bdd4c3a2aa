/**
 * The avatar on somebody's own page, as an element:
 *
 *     <script type="module" src="http://127.0.0.1:8420/rhapsode-stage.js"></script>
 *     <rhapsode-stage server="http://127.0.0.1:8420" avatar="mira" camera="bust"></rhapsode-stage>
 */

import { FRAMINGS, type Framing } from "./camera.ts";
import { Captions } from "./captions.ts";
import { readAvatars } from "./catalogue.ts";
import embedStyle from "./embed.css?inline";
import { type Lighting, LIGHTINGS } from "./lights.ts";
import type { Message } from "./protocol.ts";
import { saying, Server } from "./server.ts";
import { h, icon } from "./dom.ts";
import { strings } from "./strings.ts";
import { Talk, type TalkState } from "./talk/talk.ts";
import { Theatre } from "./theatre.ts";

export class RhapsodeStage extends HTMLElement {
  static readonly observedAttributes = ["avatar", "camera", "light", "language"];
  private theatre: Theatre | null = null;
  private server: Server | null = null;
  private captions: Captions | null = null;
  private talk: Talk | null = null;
  private button: HTMLButtonElement | null = null;

  connectedCallback(): void {
    const root = this.shadowRoot ?? this.attachShadow({ mode: "open" });
    const style = document.createElement("style");
    style.textContent = embedStyle;
    const canvas = document.createElement("canvas");
    canvas.setAttribute("role", "img");
    canvas.setAttribute("aria-label", this.getAttribute("label") ?? "A speaking avatar");
    const caption = document.createElement("p");
    root.replaceChildren(style, canvas, caption);
    this.captions = new Captions(caption);
    this.captions.wanted = this.hasAttribute("captions");
    this.server = new Server(this.getAttribute("server") ?? import.meta.url, this.getAttribute("token"));
    this.theatre = new Theatre(
      {
        canvas,
        server: this.server,
        follow: this.getAttribute("follow"),
        audience: {
          link: (state) => this.tell("link", state),
          ready: (message) => {
            this.talk?.ready(message);
            this.draw();
            void this.enter();
          },
          activity: (activity) => {
            this.talk?.draw();
            if (activity === "idle") this.captions?.clear();
            this.tell("activity", activity);
          },
          message: (message) => this.message(message),
        },
      },
      () => {
        const sample = this.theatre?.performer.heardSample ?? null;
        if (sample !== null) this.captions?.at(sample);
      },
    );
    this.talk = new Talk(this.theatre.performer, {
      state: (state) => this.shows(state),
      event: (event) => this.tell("talk", event),
      level: (part) => this.button?.style.setProperty("--level", part.toFixed(2)),
      fault: (fault) => this.tell("error", strings[fault]),
      short: () => {},
    });
    this.hear();
    if (this.hasAttribute("talk")) {
      this.button = h("button", { attributes: { type: "button", "aria-pressed": "false" }, on: { click: () => void this.listen() } });
      root.append(this.button);
    }
    this.draw();
    if (this.hasAttribute("orbit")) {
      canvas.tabIndex = 0;
      this.theatre.steer(() => false);
    }
    this.dress();
    this.theatre.performer.connection.connect();
  }

  disconnectedCallback(): void {
    this.talk?.off();
    this.talk = null;
    this.theatre?.close();
    this.theatre = null;
  }

  attributeChangedCallback(name: string, before: string | null, now: string | null): void {
    if (!this.theatre || before === now) return;
    if (name === "avatar") void this.enter();
    else if (name === "language") this.hear();
    else this.dress();
  }

  /** Speaks a text; call it first in a click or a key, so that the browser lets sound play. */
  say(text: string): void {
    void this.theatre?.performer.player.unlock().catch(() => {});
    this.theatre?.performer.request({ type: "say", text });
  }

  /** Asks a question that is answered aloud; like `say`, first in a click or a key. */
  ask(text: string, language = ""): void {
    void this.theatre?.performer.player.unlock().catch(() => {});
    this.talk?.ask(text, language || (this.getAttribute("language") ?? "").replace("auto", ""));
  }

  /** Opens or closes the microphone of a conversation; without an argument, the other way than now. */
  async listen(on: boolean = !this.talk?.on): Promise<void> {
    if (on && this.talk && !this.talk.available) this.tell("error", this.talk.facts?.why ?? strings.notHere);
    else await this.talk?.turn(on);
  }

  /** Silence and a closed mouth now; what was not heard is forgotten. */
  interrupt(): void {
    this.talk?.interrupt();
  }

  stop(): void {
    this.interrupt();
  }

  /** What the conversation does: "off", "listening", "thinking", "speaking"... */
  get state(): TalkState {
    return this.talk?.state ?? "off";
  }

  set volume(level: number) {
    if (this.theatre) this.theatre.performer.player.volume = level;
  }

  /** Has the conversation listen for the language of the attribute, "en" or "auto". */
  private hear(): void {
    const language = this.getAttribute("language");
    if (language !== null) this.talk?.listenFor(language);
  }

  private dress(): void {
    const stage = this.theatre?.stage;
    const camera = (this.getAttribute("camera") ?? "bust") as Framing;
    const light = (this.getAttribute("light") ?? "studio") as Lighting;
    stage?.man.frame(FRAMINGS.includes(camera) ? camera : "bust");
    stage?.lights.set(LIGHTINGS.includes(light) ? light : "studio", 1);
  }

  /** Shows the avatar of the attribute: a name of the server's, or the address of a .vrm or .glb. */
  private async enter(): Promise<void> {
    const { server, theatre } = this;
    if (!server || !theatre) return;
    const asked = this.getAttribute("avatar") ?? "";
    try {
      let url = asked;
      if (!/[/.]/.test(asked)) {
        const { avatars, chosen } = await readAvatars(server);
        url = avatars.get(asked || chosen) ?? "";
        if (!url) throw new Error(`no avatar '${asked}', known are: ${[...avatars.keys()].join(", ")}`);
      } else {
        url = new URL(asked, location.href).href;
      }
      if (theatre.shownUrl === url) return;
      if (await theatre.enter(url)) this.tell("ready", asked);
    } catch (error) {
      this.tell("error", saying(error));
    }
  }

  private message(message: Message): void {
    if (message.type === "begin") this.captions?.clear();
    else if (message.type === "words") this.captions?.add(message.words);
    else if (message.type === "talk") this.talk?.take(message);
    else if (message.type === "error") this.tell("error", message.message);
  }

  private shows(state: TalkState): void {
    this.draw();
    this.tell("state", state);
  }

  /** Draws the button of the attribute `talk`. */
  private draw(): void {
    const { button, talk } = this;
    if (!button || !talk) return;
    const words = { off: strings.talkStart, asking: strings.talkAsking, waking: strings.talkWaking, ready: strings.talkHold, listening: strings.talkListening, thinking: strings.talkThinking, speaking: strings.talkSpeaking };
    const mark = { off: "hear", asking: "hear", waking: "think", ready: "hear", listening: "hear", thinking: "think", speaking: "wave" }[talk.state];
    button.hidden = !talk.available;
    button.dataset["state"] = talk.state;
    button.setAttribute("aria-pressed", String(talk.on));
    button.replaceChildren(icon(mark), h("span", { text: words[talk.state] }));
  }

  /** Sends an event "rhapsode-..." that leaves the shadow tree. */
  private tell(name: string, detail: unknown): void {
    this.dispatchEvent(new CustomEvent(`rhapsode-${name}`, { detail, bubbles: true, composed: true }));
  }
}

if (!customElements.get("rhapsode-stage")) customElements.define("rhapsode-stage", RhapsodeStage);
