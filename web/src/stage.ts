/** The picture: camera, lights and the loop that draws. */

import {
  ACESFilmicToneMapping,
  BackSide,
  Color,
  DirectionalLight,
  HemisphereLight,
  Mesh,
  MeshBasicMaterial,
  PCFShadowMap,
  PerspectiveCamera,
  PMREMGenerator,
  PlaneGeometry,
  Scene,
  SphereGeometry,
  SRGBColorSpace,
  Vector3,
  WebGLRenderer,
} from "three";
import type { Avatar } from "./avatar.ts";

const FOV = 22;

export class Stage {
  readonly renderer: WebGLRenderer;
  private readonly scene = new Scene();
  private readonly camera = new PerspectiveCamera(FOV, 1, 0.1, 20);
  private readonly key = new DirectionalLight(0xfff0e0, 2.5);
  private avatar: Avatar | null = null;
  private eyes = new Vector3(0, 1.5, 0);
  private head = 0.24;
  private below = 0;
  private quality = 1;
  private slow = 0;

  constructor(private readonly canvas: HTMLCanvasElement) {
    this.renderer = new WebGLRenderer({ canvas, alpha: true, antialias: true, powerPreference: "high-performance" });
    this.renderer.outputColorSpace = SRGBColorSpace;
    this.renderer.toneMapping = ACESFilmicToneMapping;
    this.renderer.toneMappingExposure = 0.95;
    this.renderer.shadowMap.enabled = true;
    this.renderer.shadowMap.type = PCFShadowMap;
    this.renderer.setClearColor(0, 0);
    this.light();
    new ResizeObserver(() => this.resize()).observe(canvas);
  }

  /** Warm key from the left above, cool fill from the right, two rims from behind, soft boxes all round. */
  private light(): void {
    const studio = softBoxes();
    const generator = new PMREMGenerator(this.renderer);
    this.scene.environment = generator.fromScene(studio, 0.05).texture;
    this.scene.environmentIntensity = 0.55;
    generator.dispose();
    this.key.castShadow = true;
    this.key.shadow.mapSize.set(1024, 1024);
    this.key.shadow.radius = 5;
    this.key.shadow.bias = -0.0006;
    this.key.shadow.normalBias = 0.012;
    const fill = new DirectionalLight(0xcfe0ff, 0.55);
    const rimLeft = new DirectionalLight(0xdfe8ff, 1.6);
    const rimRight = new DirectionalLight(0xffe3c8, 1.5);
    const sky = new HemisphereLight(0xf4f6ff, 0xb59a86, 0.35);
    this.aim(this.key, -0.55, 0.75, 1.0);
    this.aim(fill, 1.0, 0.1, 0.8);
    this.aim(rimLeft, -0.9, 0.5, -1.0);
    this.aim(rimRight, 1.0, 0.35, -0.9);
    this.scene.add(fill, rimLeft, rimRight, sky);
  }

  private aim(light: DirectionalLight, x: number, y: number, z: number): void {
    light.userData["from"] = new Vector3(x, y, z).normalize().multiplyScalar(2);
    this.scene.add(light, light.target);
  }

  /** Puts an avatar on the stage in place of the one before. */
  set(avatar: Avatar): void {
    if (this.avatar) {
      this.scene.remove(this.avatar.object);
      this.avatar.dispose();
    }
    this.avatar = avatar;
    this.scene.add(avatar.object);
    avatar.show(new Float32Array(61), 0);
    const { eyes, head } = avatar.measure();
    this.eyes = eyes;
    this.head = head;
    this.scene.traverse((object) => {
      if (!(object instanceof DirectionalLight)) return;
      object.target.position.copy(eyes);
      object.position.copy(eyes).add(object.userData["from"] as Vector3);
    });
    const reach = head * 1.6;
    Object.assign(this.key.shadow.camera, { left: -reach, right: reach, top: reach, bottom: -reach, near: 0.5, far: 4 });
    this.key.shadow.camera.updateProjectionMatrix();
    this.resize();
  }

  /** Pixels at the bottom that the controls cover. */
  set covered(pixels: number) {
    if (this.below === pixels) return;
    this.below = pixels;
    this.resize();
  }

  private resize(): void {
    const width = this.canvas.clientWidth || 1;
    const height = this.canvas.clientHeight || 1;
    this.renderer.setPixelRatio(Math.min(window.devicePixelRatio, 2) * this.quality);
    this.renderer.setSize(width, height, false);
    this.frame(width, height);
  }

  /** Frames head and shoulders in what the controls leave free. */
  private frame(width: number, height: number): void {
    const free = Math.max(height - this.below, height * 0.4);
    const tall = this.head * 2.45; // metres over the free height
    const wide = this.head * 1.75; // metres that must fit the width
    const metres = Math.max((tall * height) / free, (wide * height) / width);
    const distance = metres / 2 / Math.tan((FOV * Math.PI) / 360);
    // Eyes at 44 % of the free height from its top.
    const eyesAt = (free * 0.43) / height;
    const centre = this.eyes.y - (0.5 - eyesAt) * metres;
    this.camera.aspect = width / height;
    this.camera.position.set(this.eyes.x, centre + 0.015, this.eyes.z + distance);
    this.camera.lookAt(this.eyes.x, centre, this.eyes.z);
    this.camera.updateProjectionMatrix();
  }

  /** Draws; `seconds` is how long the picture before it took, which lowers the resolution on slow machines. */
  draw(seconds: number): void {
    if (!this.avatar) return;
    this.renderer.render(this.scene, this.camera);
    this.slow = seconds > 0.045 && seconds < 0.5 ? this.slow + 1 : Math.max(this.slow - 1, 0);
    if (this.slow > 20 && this.quality > 0.4) {
      this.quality = Math.max(this.quality * 0.7, 0.4);
      this.slow = 0;
      this.resize();
    }
  }
}

/** A dim room with lit panels, seen only in reflections and as light from all sides. */
function softBoxes(): Scene {
  const scene = new Scene();
  const room = new MeshBasicMaterial({ color: new Color(0.32, 0.32, 0.34), side: BackSide });
  scene.add(new Mesh(new SphereGeometry(8, 24, 16), room));
  const panel = (x: number, y: number, z: number, size: number, colour: Color) => {
    const mesh = new Mesh(new PlaneGeometry(size, size * 1.3), new MeshBasicMaterial({ color: colour }));
    mesh.position.set(x, y, z);
    mesh.lookAt(0, 0, 0);
    scene.add(mesh);
  };
  panel(-3.6, 3, 4, 2.6, new Color(9, 8.4, 7.6));
  panel(4.5, 1, 3, 2.4, new Color(2.2, 2.5, 3));
  panel(-4.5, 1.5, -4, 2.2, new Color(4, 4.4, 5));
  panel(4.5, 2, -4, 2.2, new Color(5, 4.4, 3.8));
  panel(0, 6, 0, 4, new Color(2.4, 2.4, 2.4));
  return scene;
}
