// Bundles the pages' scripts into desk/web/static/ and writes down what went into them:
// VERSIONS.txt (packages, and a hash of the sources that a test compares) and LICENSES.txt.
import { createHash } from "node:crypto";
import { readFileSync, readdirSync, writeFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import * as esbuild from "esbuild";

const here = dirname(fileURLToPath(import.meta.url));
const out = join(here, "..", "desk", "web", "static");
const options = {
  absWorkingDir: here,
  entryPoints: {
    "chat/kefu-chat": "src/chat/main.js",
    "demo/demo": "src/demo/main.js",
  },
  outdir: out,
  bundle: true,
  minify: true,
  format: "esm",
  target: ["es2021"],
  charset: "utf8",
  legalComments: "none",
  metafile: true,
};

/** Every source file below `folder`, sorted, as paths with forward slashes. */
function sources(folder) {
  return readdirSync(folder, { withFileTypes: true })
    .flatMap((entry) => {
      const path = join(folder, entry.name);
      return entry.isDirectory() ? sources(path) : [path];
    })
    .sort();
}

/** SHA-256 over names and contents; tests/unit/web repeats it without Node. */
function sourceHash() {
  const hash = createHash("sha256");
  const names = sources(join(here, "src")).map((path) => relative(here, path).replaceAll("\\", "/"));
  for (const name of names.sort()) {
    hash.update(`${name}\n`).update(readFileSync(join(here, name))).update("\n");
  }
  return hash.digest("hex");
}

/** The packages whose code is in the bundles, from esbuild's own account of its inputs. */
function bundledPackages(metafile) {
  const names = new Set();
  for (const input of Object.keys(metafile.inputs)) {
    const match = input.match(/node_modules\/((?:@[^/]+\/)?[^/]+)\//);
    if (match) names.add(match[1]);
  }
  return [...names].sort().map((name) => {
    const folder = join(here, "node_modules", name);
    const { version, license } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
    return { name, version, license, text: readFileSync(join(folder, "LICENSE"), "utf8").trim() };
  });
}

function writeAccount(metafile) {
  const packages = bundledPackages(metafile);
  const lines = [
    "Built by frontend/build.mjs; do not edit. The licences are in LICENSES.txt.",
    "files: chat/kefu-chat.js demo/demo.js",
    ...packages.map(({ name, version, license }) => `package: ${name} ${version} ${license}`),
    `builder: esbuild ${esbuild.version} MIT (not part of the files)`,
    `sources: sha256 ${sourceHash()}`,
  ];
  writeFileSync(join(out, "VERSIONS.txt"), `${lines.join("\n")}\n`);
  const licences = packages.map(({ name, version, text }) => `== ${name} ${version}\n\n${text}\n`);
  writeFileSync(join(out, "LICENSES.txt"), licences.join("\n"));
}

if (process.argv.includes("--watch")) {
  await (await esbuild.context({ ...options, minify: false, sourcemap: "inline" })).watch();
} else {
  writeAccount((await esbuild.build(options)).metafile);
}
