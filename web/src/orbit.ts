/** Moving the camera by mouse, fingers and keys. */

import type { CameraMan } from "./camera.ts";

const WHEEL = 0.0012;
const KEY_TURN = 0.06;
const KEY_ZOOM = 1.12;

interface Pointer {
  x: number;
  y: number;
}

/** Lets the canvas steer the camera; `act` handles the keys of the framings. */
export function steer(canvas: HTMLCanvasElement, man: CameraMan, act: (key: string) => boolean): void {
  const down = new Map<number, Pointer>();
  const parts = (dx: number, dy: number): [number, number] => [dx / canvas.clientWidth, dy / canvas.clientHeight];

  canvas.addEventListener("pointerdown", (event) => {
    canvas.setPointerCapture(event.pointerId);
    down.set(event.pointerId, { x: event.clientX, y: event.clientY });
  });
  const lift = (event: PointerEvent) => down.delete(event.pointerId);
  canvas.addEventListener("pointerup", lift);
  canvas.addEventListener("pointercancel", lift);
  canvas.addEventListener("pointermove", (event) => {
    const before = down.get(event.pointerId);
    if (!before) return;
    const at = { x: event.clientX, y: event.clientY };
    const [x, y] = parts(at.x - before.x, at.y - before.y);
    const other = [...down].find(([id]) => id !== event.pointerId)?.[1];
    if (other) {
      const gap = (a: Pointer) => Math.max(Math.hypot(a.x - other.x, a.y - other.y), 10);
      man.zoom(gap(before) / gap(at));
      man.pan(x / 2, y / 2);
    } else if (event.shiftKey || event.buttons === 2) {
      man.pan(x, y);
    } else {
      man.orbit(x, y);
    }
    down.set(event.pointerId, at);
  });
  canvas.addEventListener("contextmenu", (event) => event.preventDefault());
  canvas.addEventListener("dblclick", () => man.reset());
  canvas.addEventListener(
    "wheel",
    (event) => {
      event.preventDefault();
      man.zoom(Math.exp(event.deltaY * (event.deltaMode ? 30 : 1) * WHEEL));
    },
    { passive: false },
  );
  const keys: Record<string, () => void> = {
    ArrowLeft: () => man.orbit(-KEY_TURN, 0),
    ArrowRight: () => man.orbit(KEY_TURN, 0),
    ArrowUp: () => man.orbit(0, KEY_TURN),
    ArrowDown: () => man.orbit(0, -KEY_TURN),
    "+": () => man.zoom(1 / KEY_ZOOM),
    "=": () => man.zoom(1 / KEY_ZOOM),
    "-": () => man.zoom(KEY_ZOOM),
    "0": () => man.reset(),
    Home: () => man.reset(),
  };
  canvas.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const move = keys[event.key];
    if (!move && !act(event.key)) return;
    event.preventDefault();
    move?.();
  });
}
