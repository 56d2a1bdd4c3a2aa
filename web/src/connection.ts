/** The WebSocket to the server; comes back by itself, a little later each time. */

import { type CurvesPacket, type Message, parsePacket, type Request, type SoundPacket } from "./protocol.ts";

export type Link = "connecting" | "open" | "lost";

export interface Listener {
  link(state: Link): void;
  message(message: Message): void;
  packet(packet: SoundPacket | CurvesPacket): void;
}

const FIRST_WAIT_MS = 500;
const LONGEST_WAIT_MS = 8000;

export class Connection {
  private socket: WebSocket | null = null;
  private wait = FIRST_WAIT_MS;
  private timer = 0;

  constructor(
    private readonly url: string,
    private readonly listener: Listener,
  ) {
    window.addEventListener("online", () => this.soon());
    document.addEventListener("visibilitychange", () => {
      if (!document.hidden) this.soon();
    });
  }

  get open(): boolean {
    return this.socket?.readyState === WebSocket.OPEN;
  }

  connect(): void {
    window.clearTimeout(this.timer);
    const socket = new WebSocket(this.url);
    socket.binaryType = "arraybuffer";
    this.socket = socket;
    socket.onopen = () => {
      this.wait = FIRST_WAIT_MS;
      this.listener.link("open");
    };
    socket.onmessage = (event: MessageEvent<string | ArrayBuffer>) => {
      if (typeof event.data === "string") this.listener.message(JSON.parse(event.data) as Message);
      else this.listener.packet(parsePacket(event.data));
    };
    socket.onclose = () => {
      if (this.socket !== socket) return;
      this.socket = null;
      this.listener.link("lost");
      this.timer = window.setTimeout(() => this.connect(), this.wait * (0.8 + 0.4 * Math.random()));
      this.wait = Math.min(this.wait * 1.7, LONGEST_WAIT_MS);
    };
  }

  send(request: Request): boolean {
    if (!this.open) return false;
    this.socket?.send(JSON.stringify(request));
    return true;
  }

  /** Tries again now, where it waits. */
  private soon(): void {
    if (!this.socket) this.connect();
  }
}
