/** The lamps: three settings, each a warm or cool key, a fill and two rims from behind. */

import {
  BackSide,
  Color,
  DirectionalLight,
  HemisphereLight,
  Mesh,
  MeshBasicMaterial,
  PlaneGeometry,
  PMREMGenerator,
  Scene,
  SphereGeometry,
  Vector3,
  type WebGLRenderer,
} from "three";

export type Lighting = "studio" | "daylight" | "evening";
export const LIGHTINGS: readonly Lighting[] = ["studio", "daylight", "evening"];

interface Lamp {
  colour: number;
  power: number;
  from: [x: number, y: number, z: number];
}

interface Setting {
  key: Lamp;
  fill: Lamp;
  left: Lamp;
  right: Lamp;
  sky: { above: number; below: number; power: number; lean: number };
  room: number;
}

const SETTINGS: Record<Lighting, Setting> = {
  studio: {
    key: { colour: 0xfff0e0, power: 2.5, from: [-0.55, 0.75, 1.0] },
    fill: { colour: 0xcfe0ff, power: 0.55, from: [1.0, 0.1, 0.8] },
    left: { colour: 0xdfe8ff, power: 1.0, from: [-0.8, 0.7, -1.2] },
    right: { colour: 0xffe3c8, power: 0.9, from: [0.8, 0.6, -1.2] },
    sky: { above: 0xf4f6ff, below: 0xb59a86, power: 0.35, lean: 1.9 },
    room: 0.55,
  },
  daylight: {
    key: { colour: 0xf6f8ff, power: 1.9, from: [0.4, 1.0, 1.0] },
    fill: { colour: 0xfff6ea, power: 0.9, from: [-0.9, 0.2, 0.9] },
    left: { colour: 0xffffff, power: 0.7, from: [-0.9, 0.8, -1.0] },
    right: { colour: 0xffffff, power: 0.7, from: [0.9, 0.8, -1.0] },
    sky: { above: 0xe8f2ff, below: 0xcfc4b4, power: 0.7, lean: 2.3 },
    room: 0.8,
  },
  evening: {
    key: { colour: 0xffd2a6, power: 2.3, from: [-1.0, 0.35, 0.75] },
    fill: { colour: 0x6f8fd8, power: 0.9, from: [1.0, 0.15, 0.7] },
    left: { colour: 0xff9f6b, power: 1.6, from: [-0.9, 0.5, -1.0] },
    right: { colour: 0x6ea8ff, power: 2.2, from: [0.9, 0.5, -1.0] },
    sky: { above: 0xa9b2dc, below: 0x8a6f66, power: 0.25, lean: 1.5 },
    room: 0.25,
  },
};

export class Lights {
  readonly key = new DirectionalLight();
  private readonly lamps = { key: this.key, fill: new DirectionalLight(), left: new DirectionalLight(), right: new DirectionalLight() };
  private readonly sky = new HemisphereLight();
  private lighting: Lighting = "studio";
  private eyes = new Vector3(0, 1.5, 0);

  /** `lean`: no room in reflections, and two lamps fewer. */
  constructor(
    private readonly scene: Scene,
    renderer: WebGLRenderer,
    private readonly lean: boolean,
  ) {
    if (!lean) {
      const generator = new PMREMGenerator(renderer);
      scene.environment = generator.fromScene(softBoxes(), 0.05).texture;
      generator.dispose();
    }
    this.key.castShadow = true;
    this.key.shadow.mapSize.set(1024, 1024);
    this.key.shadow.radius = 5;
    this.key.shadow.bias = -0.0006;
    this.key.shadow.normalBias = 0.012;
    for (const lamp of Object.values(this.lamps)) scene.add(lamp, lamp.target);
    if (lean) scene.remove(this.lamps.fill, this.lamps.right);
    scene.add(this.sky);
    this.set("studio", 1);
  }

  set(lighting: Lighting, intensity: number): void {
    this.lighting = lighting;
    const setting = SETTINGS[lighting];
    for (const name of ["key", "fill", "left", "right"] as const) {
      this.lamps[name].color.set(setting[name].colour);
      this.lamps[name].intensity = setting[name].power * intensity;
    }
    this.sky.color.set(setting.sky.above);
    this.sky.groundColor.set(setting.sky.below);
    this.sky.intensity = (this.lean ? setting.sky.lean : setting.sky.power) * intensity;
    this.scene.environmentIntensity = setting.room * intensity;
    this.aim();
  }

  /** Turns the lamps to the head of another figure. */
  meet(eyes: Vector3, head: number): void {
    this.eyes = eyes;
    const reach = head * 1.6;
    Object.assign(this.key.shadow.camera, { left: -reach, right: reach, top: reach, bottom: -reach, near: 0.5, far: 4 });
    this.key.shadow.camera.updateProjectionMatrix();
    this.aim();
  }

  private aim(): void {
    for (const name of ["key", "fill", "left", "right"] as const) {
      const lamp = this.lamps[name];
      lamp.target.position.copy(this.eyes);
      lamp.position.set(...SETTINGS[this.lighting][name].from).normalize().multiplyScalar(2).add(this.eyes);
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
