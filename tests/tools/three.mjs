// Reads a .glb with three.js and prints what its animation does at given times, as JSON.
// node three.mjs FILE TIMES_JSON [AVATAR]: with an avatar, FILE is a .vrma that plays on it.
import { readFileSync } from "node:fs";
import { pathToFileURL } from "node:url";
import path from "node:path";

const web = path.resolve(import.meta.dirname ?? path.dirname(new URL(import.meta.url).pathname), "../../web");
const from = (name) => import(pathToFileURL(path.join(web, "node_modules", name)).href);
globalThis.self = globalThis;
globalThis.ProgressEvent ??= class ProgressEvent extends Event {};
const log = console.error;
console.warn = (...words) => log("warning:", ...words);
console.log = log;

const THREE = await from("three/build/three.module.js");
const { GLTFLoader } = await from("three/examples/jsm/loaders/GLTFLoader.js");
const { VRMLoaderPlugin } = await from("@pixiv/three-vrm/lib/three-vrm.module.js");
const vrma = await from("@pixiv/three-vrm-animation/lib/three-vrm-animation.module.js");

async function load(file, vrm = true) {
  const loader = new GLTFLoader();
  loader.register((parser) => {
    // There is no picture decoder in node, and none is needed.
    parser.loadTextureImage = async () => new THREE.Texture();
    return { name: "NO_PICTURES" };
  });
  if (vrm) loader.register((parser) => new VRMLoaderPlugin(parser));
  loader.register((parser) => new vrma.VRMAnimationLoaderPlugin(parser));
  const data = readFileSync(file);
  return loader.parseAsync(data.buffer.slice(data.byteOffset, data.byteOffset + data.byteLength), "");
}

const [file, timesText, avatar] = process.argv.slice(2);
const times = JSON.parse(timesText);
const warnings = [];
console.warn = (...words) => warnings.push(words.join(" "));
const gltf = await load(file, false);
const result = { warnings, at: [] };
if (avatar) {
  const vrm = (await load(avatar)).userData.vrm;
  const animation = gltf.userData.vrmAnimations[0];
  const proxy = new vrma.VRMLookAtQuaternionProxy(vrm.lookAt ?? undefined);
  if (vrm.lookAt) {
    proxy.name = "lookAtQuaternionProxy";
    vrm.scene.add(proxy);
  }
  const clip = vrma.createVRMAnimationClip(animation, vrm);
  result.duration = clip.duration;
  result.presets = [...animation.expressionTracks.preset.keys()];
  result.customs = [...animation.expressionTracks.custom.keys()];
  const mixer = new THREE.AnimationMixer(vrm.scene);
  mixer.clipAction(clip).setLoop(THREE.LoopOnce).play();
  mixer.clipAction(clip).clampWhenFinished = true;
  for (const time of times) {
    mixer.setTime(time);
    const expressions = {};
    for (const expression of vrm.expressionManager?.expressions ?? []) {
      expressions[expression.expressionName] = expression.weight;
    }
    const bones = {};
    for (const [name, bone] of Object.entries(vrm.humanoid.normalizedHumanBones)) {
      bones[name] = bone.node.quaternion.toArray();
    }
    const hips = vrm.humanoid.getNormalizedBoneNode("hips").position.toArray();
    const look = vrm.lookAt ? [vrm.lookAt.yaw, vrm.lookAt.pitch] : null;
    result.at.push({ expressions, bones, hips, look });
  }
} else {
  const clip = gltf.animations[0];
  result.duration = clip.duration;
  const mixer = new THREE.AnimationMixer(gltf.scene);
  mixer.clipAction(clip).setLoop(THREE.LoopOnce).play();
  mixer.clipAction(clip).clampWhenFinished = true;
  for (const time of times) {
    mixer.setTime(time);
    const morphs = {}, rotations = {};
    gltf.scene.traverse((node) => {
      rotations[node.name] = node.quaternion.toArray();
      if (!node.morphTargetDictionary) return;
      for (const [name, index] of Object.entries(node.morphTargetDictionary)) {
        (morphs[node.name] ??= {})[name] = node.morphTargetInfluences[index];
      }
    });
    result.at.push({ morphs, rotations });
  }
}
process.stdout.write(JSON.stringify(result));
