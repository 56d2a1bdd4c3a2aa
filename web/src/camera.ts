/** The camera: three framings, orbit and zoom on top of them, and smooth ways between. */

import { MathUtils, PerspectiveCamera, Vector3 } from "three";

export type Framing = "face" | "bust" | "body";
export const FRAMINGS: readonly Framing[] = ["face", "bust", "body"];

export interface Figure {
  eyes: Vector3;
  /** Height of the head, m. */
  head: number;
  /** Height of the floor, m. */
  floor: number;
}

/** Pixels of the canvas that something covers. */
export interface Covered {
  right: number;
  bottom: number;
}

const FOV = 22;
/** A way is half gone after 0.1 s. */
const RATE = 7;
const AROUND = 2.6;
const UP = 1.2;
const ZOOM = { least: 0.35, most: 3 };

/** What is seen: height of the free picture, m, the place of the eyes in it from above, and least width, m. */
function wanted(framing: Framing, { eyes, head, floor }: Figure, upright: boolean): { tall: number; wide: number; eyesAt: number } {
  if (framing === "face") return { tall: 1.5 * head, wide: 1.15 * head, eyesAt: upright ? 0.42 : 0.45 };
  if (framing === "bust") return { tall: 2.3 * head, wide: 1.75 * head, eyesAt: upright ? 0.36 : 0.4 };
  const above = 0.72 * head;
  const whole = Math.max(eyes.y - floor, 2.5 * head) + above;
  return { tall: whole * 1.1, wide: Math.min(whole * 0.4, 3 * head), eyesAt: (above + whole * 0.05) / (whole * 1.1) };
}

/** What moves smoothly. */
interface Place {
  tall: number;
  centre: number;
  around: number;
  up: number;
  zoom: number;
  x: number;
  y: number;
  right: number;
  bottom: number;
}

export class CameraMan {
  readonly camera = new PerspectiveCamera(FOV, 1, 0.02, 60);
  framing: Framing = "bust";
  private readonly now: Place = { tall: 1, centre: 0, around: 0, up: 0.02, zoom: 1, x: 0, y: 0, right: 0, bottom: 0 };
  private readonly goal: Place = { ...this.now };
  private figure: Figure = { eyes: new Vector3(0, 1.5, 0), head: 0.24, floor: 0 };
  private size = { width: 1, height: 1 };
  private cut = true;
  private readonly still = window.matchMedia("(prefers-reduced-motion: reduce)");

  /** True while it is on its way. */
  get moving(): boolean {
    return (Object.keys(this.goal) as (keyof Place)[]).some((key) => Math.abs(this.goal[key] - this.now[key]) > 1e-3);
  }

  /** Takes in another figure; the picture jumps to it. */
  meet(figure: Figure): void {
    this.figure = figure;
    this.cut = true;
    this.aim();
  }

  frame(framing: Framing): void {
    this.framing = framing;
    this.reset();
  }

  reset(): void {
    Object.assign(this.goal, { around: 0, up: 0.02, zoom: 1, x: 0, y: 0 });
    // The short way round, however often one has gone about.
    this.now.around = MathUtils.euclideanModulo(this.now.around + Math.PI, 2 * Math.PI) - Math.PI;
    this.aim();
  }

  resize(width: number, height: number): void {
    this.size = { width, height };
    this.camera.aspect = width / height;
    this.aim();
  }

  cover(covered: Covered): void {
    this.goal.right = covered.right;
    this.goal.bottom = covered.bottom;
    this.aim();
  }

  /** Turns by parts of the picture's width and height. */
  orbit(x: number, y: number): void {
    this.goal.around -= x * AROUND * 2;
    this.goal.up = MathUtils.clamp(this.goal.up + y * AROUND, -UP, UP);
  }

  /** Moves sideways by parts of the picture. */
  pan(x: number, y: number): void {
    const reach = this.goal.tall * this.goal.zoom;
    this.goal.x = MathUtils.clamp(this.goal.x - x * reach, -1.5, 1.5);
    this.goal.y = MathUtils.clamp(this.goal.y + y * reach, -1.5, 1.5);
  }

  /** More than 1 goes away. */
  zoom(by: number): void {
    this.goal.zoom = MathUtils.clamp(this.goal.zoom * by, ZOOM.least, ZOOM.most);
  }

  private aim(): void {
    const { width, height } = this.size;
    const free = {
      width: Math.max(width - this.goal.right, width * 0.3),
      height: Math.max(height - this.goal.bottom, height * 0.3),
    };
    const { tall, wide, eyesAt } = wanted(this.framing, this.figure, free.width < free.height);
    const fits = Math.max(tall, (wide * free.height) / free.width);
    this.goal.tall = (fits * height) / free.height;
    this.goal.centre = this.figure.eyes.y - (0.5 - eyesAt) * fits;
    if (fits > tall && this.framing === "body") this.goal.centre = this.figure.eyes.y - (0.5 - eyesAt) * tall;
  }

  /** Goes on by `seconds`. */
  step(seconds: number): void {
    const t = this.cut || this.still.matches ? 1 : 1 - Math.exp(-RATE * Math.min(seconds, 0.25));
    this.cut = false;
    for (const key of Object.keys(this.goal) as (keyof Place)[]) {
      this.now[key] += (this.goal[key] - this.now[key]) * t;
    }
    const { tall, centre, around, up, zoom, x, y, right, bottom } = this.now;
    const distance = (tall * zoom) / 2 / Math.tan((FOV * Math.PI) / 360);
    const { eyes } = this.figure;
    const [sin, cos] = [Math.sin(around), Math.cos(around)];
    const target = new Vector3(eyes.x + x * cos, centre + y, eyes.z - x * sin);
    this.camera.position
      .set(sin * Math.cos(up), Math.sin(up), cos * Math.cos(up))
      .multiplyScalar(distance)
      .add(target);
    this.camera.lookAt(target);
    const { width, height } = this.size;
    this.camera.setViewOffset(width, height, right / 2, bottom / 2, width, height);
  }
}
