/** The page: the theatre with all its controls and panels. */

import { Captions } from "./captions.ts";
import { Cast } from "./cast.ts";
import { type Catalogue, readCatalogue } from "./catalogue.ts";
import type { Link } from "./connection.ts";
import type { Context } from "./context.ts";
import { Dock } from "./dock.ts";
import { h, iconButton, type Words } from "./dom.ts";
import { remember, remembered } from "./memory.ts";
import { Notice } from "./notice.ts";
import type { Options } from "./options.ts";
import { Backdrop } from "./panels/backdrop.ts";
import { DoctorPanel } from "./panels/doctor.ts";
import { FacePanel } from "./panels/face.ts";
import { LookPanel } from "./panels/look.ts";
import { SettingsPanel } from "./panels/settings.ts";
import { SinksPanel } from "./panels/sinks.ts";
import { SoundPanel } from "./panels/sound.ts";
import { TakesPanel } from "./panels/takes.ts";
import { TimingPanel } from "./panels/timing.ts";
import type { Activity } from "./performer.ts";
import { probe } from "./probe.ts";
import { CLOCK_HZ, type Message, type Ready, type Request } from "./protocol.ts";
import { Server } from "./server.ts";
import { Sheet } from "./sheet.ts";
import { bind, language, onLanguage, speak, strings } from "./strings.ts";
import { Talking } from "./talk/talking.ts";
import { Theatre } from "./theatre.ts";
import { changeTheme } from "./theme.ts";

const SHOW_ERROR_MS = 250;
const SESSION = "rhapsode.session";

function get<T extends HTMLElement>(id: string): T {
  return document.getElementById(id) as T;
}

export class Show implements Context {
  readonly server = new Server();
  readonly theatre: Theatre;
  modern = false;
  private readonly notice = new Notice(get("notice"));
  private readonly captions = new Captions(get("caption"));
  private readonly dock: Dock;
  private readonly sheet: Sheet;
  private readonly face: FacePanel;
  private readonly sound: SoundPanel;
  private readonly sinks: SinksPanel;
  private readonly takes: TakesPanel;
  private readonly timing: TimingPanel;
  private readonly talking: Talking;
  private readonly cast: Cast;
  private catalogue: Catalogue | null = null;
  private sample = "";
  private linked: Link = "connecting";
  private errorTold = 0;

  constructor(private readonly options: Options) {
    this.theatre = new Theatre(
      {
        canvas: get<HTMLCanvasElement>("view"),
        server: this.server,
        session: sessionStorage.getItem(SESSION),
        follow: options.follow,
        transport: options.transport,
        audience: {
          link: (state) => this.link(state),
          ready: (message) => this.ready(message),
          activity: (activity) => this.acts(activity),
          message: (message) => this.message(message),
        },
      },
      (now) => this.tick(now),
    );
    this.theatre.stage?.man.frame(options.camera);
    this.talking = new Talking(
      this,
      get("dock"),
      { open: () => this.sheet.open !== null, timed: (latency) => this.timing.answered(latency), unmirror: () => this.sound.off(), mirror: () => void this.sound.turn() },
      () => remembered("microphone") ?? "",
    );
    this.dock = new Dock(get("dock-panel"), this.talking.button.element, {
      ask: (text) => this.asks(text),
      say: (text) => this.play({ type: "say", text }),
      sample: (name) => this.play({ type: "sample", name }, name),
      stop: () => this.stop(),
      subtitles: (on) => this.subtitle(on),
    });
    this.talking.meet(this.dock);
    const look = new LookPanel(this, new Backdrop(get("backdrop"), options.background, options.background === "transparent"), {
      avatar: (name) => void this.cast.enter(name),
      file: (file) => void this.cast.drop(file),
    });
    this.cast = new Cast(this, look, () => document.body.classList.add("shown"));
    this.face = new FacePanel(this);
    this.sound = new SoundPanel(this, this.dock.mic, {
      volume: (level) => this.turnVolume(level),
      subtitles: (on) => this.subtitle(on),
    });
    this.sinks = new SinksPanel(this);
    this.takes = new TakesPanel(this, get("recording"));
    this.timing = new TimingPanel(this);
    const panels = [this.talking.panel, look, this.sound, this.face, this.sinks, this.takes, this.timing, new SettingsPanel(this), new DoctorPanel(this)];
    this.sheet = new Sheet(get("sheet"), get("rail"), panels, () => this.cover());
    this.subtitle(remembered("subtitles") !== "off");
    this.header();
    this.sheet.restore();
    this.theatre.steer((key) => this.key(key, look));
    window.rhapsode = probe(this.theatre, () => this.cast.name);
  }

  get performer() {
    return this.theatre.performer;
  }

  get avatarName(): string {
    return this.cast.served;
  }

  async open(panel?: string): Promise<void> {
    if (panel) return this.sheet.show(panel, false);
    if (!this.theatre.stage) this.tell(strings.noGraphics);
    const cover = () => this.cover();
    for (const id of ["dock", "sheet", "rail"]) new ResizeObserver(cover).observe(get(id));
    document.addEventListener("pointerdown", () => void this.performer.player.unlock().catch(() => {}), { once: true });
    this.performer.connection.connect();
    await this.furnish();
  }

  tell(message: string, kind: "info" | "error" = "error", action?: { text: Words; act: () => void }, gone?: () => void): void {
    this.notice.tell(message, kind, action, gone);
  }

  play(request: Request, sample = ""): void {
    void this.performer.player.unlock().catch(() => this.tell(strings.noSound));
    this.sound.off();
    this.captions.clear();
    this.sample = sample;
    this.performer.request(request);
    this.dock.show(this.performer.activity, sample);
  }

  private asks(text: string): void {
    this.captions.clear();
    this.sample = "";
    this.talking.ask(text);
  }

  stop(): void {
    this.captions.clear();
    this.talking.talk.interrupt();
  }

  hush(): void {
    this.talking.talk.off();
  }

  private header(): void {
    const tools = get("tools");
    const tongue = h("button", {
      class: "tool",
      id: "language",
      text: (words) => words.switch,
      attributes: { type: "button" },
      on: { click: () => speak(language === "zh" ? "en" : "zh") },
    });
    bind(tongue, (node) => {
      node.lang = language === "zh" ? "en" : "zh-CN";
      node.title = strings.switchHint;
    });
    const shade = iconButton("theme", (words) => words.theme, changeTheme, "tool");
    shade.id = "theme";
    tools.append(tongue, shade);
    this.talking.link(get("rail"));
    bind(get("view"), (node) => node.setAttribute("aria-label", strings.view));
    bind(get("rail"), (node) => node.setAttribute("aria-label", strings.panels));
    bind(get("curtain"), (node) => (node.textContent = strings.loading));
    bind(get("drop-title"), (node) => (node.textContent = strings.dropHere));
    bind(get("drop-hint"), (node) => (node.textContent = strings.dropHint));
    bind(get("error"), (node) => (node.title = strings.errorHint));
    bind(get("link"), (node) => (node.textContent = strings[this.linked]));
    onLanguage(() => this.sheet.rename());
    speak(language);
  }

  private key(key: string, look: LookPanel): boolean {
    const framing = (["face", "bust", "body"] as const)[Number(key) - 1];
    if (framing) look.frame(framing);
    return framing !== undefined;
  }

  /** Fills the controls with what the server has; tried again at every new connection until it works. */
  private async furnish(): Promise<void> {
    if (this.catalogue) return;
    try {
      this.catalogue = await readCatalogue(this.server);
    } catch {
      return;
    }
    const { styles, emotions, samples } = this.catalogue;
    this.face.fill(styles, emotions);
    this.dock.fill(samples);
    this.cast.fill(this.catalogue, this.options.avatar);
    await this.cast.enter();
  }

  /** Lets the avatar stand in the middle of what the controls leave free. */
  private cover(): void {
    const sheet = get("sheet").getBoundingClientRect();
    const dock = get("dock-panel").getBoundingClientRect();
    const beside = window.innerWidth >= 1000;
    const top = beside || !this.sheet.open ? dock.top : Math.min(dock.top, sheet.top);
    this.theatre.stage?.cover({
      right: beside && this.sheet.open ? window.innerWidth - sheet.left : 0,
      bottom: Math.max(window.innerHeight - top, 0),
    });
  }

  private subtitle(on: boolean): void {
    this.captions.wanted = on;
    remember("subtitles", on ? null : "off");
    this.dock.subtitles.setAttribute("aria-pressed", String(on));
    const input = document.querySelector<HTMLInputElement>("input[name=subtitles]");
    if (input) input.checked = on;
    if (!on) get("caption").classList.remove("on");
  }

  private turnVolume(level: number): void {
    this.performer.player.volume = level;
    remember("volume", String(level));
  }

  private link(state: Link): void {
    this.linked = state;
    get("state").dataset["link"] = state;
    get("link").textContent = strings[state];
    this.captions.clear();
    if (state === "open") void this.furnish();
    else {
      this.modern = false;
      this.talking.talk.lost();
    }
  }

  private ready(message: Ready): void {
    const back = this.performer.connection.lost > 0;
    this.modern = message.protocol >= 2 && this.performer.session !== null;
    if (this.performer.session) sessionStorage.setItem(SESSION, this.performer.session);
    if (back && message.resumed) this.tell(strings.resumed, "info");
    if (this.sound.microphone.state === "on") this.sound.microphone.restart();
    this.talking.ready(message);
    this.sinks.able();
    this.takes.able();
    if (!message.resumed) this.sinks.show([]);
    if (!this.theatre.avatar && this.catalogue) void this.cast.enter();
  }

  private acts(activity: Activity): void {
    this.dock.show(activity, this.sample);
    document.body.dataset["activity"] = activity;
    this.talking.talk.draw();
    if (activity !== "idle") return;
    this.captions.clear();
    get("error").hidden = true;
  }

  private message(message: Message): void {
    if (message.type === "begin") {
      this.captions.clear();
      const recording = this.catalogue?.samples.find(({ name }) => name === this.sample);
      const words = recording?.words ?? [];
      this.captions.add(words.map(([text, from, to]) => [text, message.start + from * CLOCK_HZ, message.start + to * CLOCK_HZ]));
    } else if (message.type === "words") {
      const own = this.catalogue?.samples.find(({ name }) => name === this.sample)?.words?.length;
      if (!own) this.captions.add(message.words);
    } else if (message.type === "error") this.tell(message.message);
    else if (message.type === "talk") this.talking.talk.take(message);
    else if (message.type === "sinks") this.sinks.show(message.sinks);
    else if (message.type === "metrics") this.timing.measured(message);
    else if (message.type === "recording") this.takes.recorded(message);
    else if (message.type === "level") this.sound.heard(message.activity);
  }

  private tick(now: number): void {
    const { heardSample, errorMs, errors } = this.performer;
    if (heardSample !== null) this.captions.at(heardSample);
    this.timing.tick(now);
    this.takes.tick();
    if (errorMs === null || now - this.errorTold < SHOW_ERROR_MS) return;
    this.errorTold = now;
    const rounded = Math.round(errors.median);
    get("error").textContent = strings.error(rounded > 0 ? `+${rounded}` : String(rounded).replace("-", "−"));
    get("error").hidden = false;
  }
}
