// Checks a .glb with Khronos' validator and prints its report as JSON.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";

const validator = createRequire(new URL("../../web/package.json", import.meta.url))("gltf-validator");
const report = await validator.validateBytes(new Uint8Array(readFileSync(process.argv[2])), { maxIssues: 50 });
process.stdout.write(JSON.stringify(report));
