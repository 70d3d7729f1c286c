/**
 * Runs every benchmark beside Python torch of the same version and writes this machine's section of docs/benchmarks.md.
 *
 *   npm run bench [-- --python /path/to/python]
 *
 * Python is `--python`, else PYTHON, else python3; it needs torch of the minor version that the addon was compiled against.
 */
import { spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { parseArgs } from "node:util";
import { cpuCapability, versions } from "../lib/torch";
import { readPage, section, thisMachine, withSection } from "./report";

const { values: options } = parseArgs({
  options: { python: { type: "string", default: process.env.PYTHON ?? "python3" } },
});
const root = join(__dirname, "..");

const benchmarks: readonly { file: string; title: string; about: string }[] = [
  {
    file: "operators",
    title: "One operator call",
    about: "CPU time a call on 4×4 tensors, one thread: overhead alone.",
  },
  {
    file: "mlp",
    title: "One update of a small model",
    about: "Forward, backward and AdamW of a 3-layer MLP, one thread.",
  },
  { file: "startup", title: "Start", about: "Wall time of a process that makes one tensor." },
  { file: "serialization", title: "Checkpoints", about: "A state dict of 1 GiB, saved and loaded." },
  {
    file: "neighbors",
    title: "Neighbour search",
    about: "All points of a uniform cloud among themselves, at most 32 neighbours each.",
  },
  { file: "queries", title: "Query points", about: "AB-UPT on up to a million query points, in chunks." },
  { file: "memory", title: "Memory", about: "Many updates of a small model in scopes, one thread." },
  {
    file: "models",
    title: "Models",
    about: "Forward and training step of the ShapeNet-Car models, all points and a sixteenth of them.",
  },
  {
    file: "distributed",
    title: "Several processes",
    about:
      "Training steps of two processes, each with half of the threads, against two of DistributedDataParallel, and the exchange of gradients alone.",
  },
];

function pythonTorch(): string {
  const { status, stdout, stderr } = spawnSync(options.python, ["-c", "import torch; print(torch.__version__)"], {
    encoding: "utf8",
  });
  if (status !== 0)
    throw new Error(
      `expected ${options.python} to have torch ${versions().torch}: ${stderr.trim().split("\n").at(-1)}`,
    );
  const version = stdout.trim();
  const minor = (text: string) => text.split(".").slice(0, 2).join(".");
  if (minor(version) !== minor(versions().torch)) {
    throw new Error(`expected torch ${versions().torch} in ${options.python}, as here, got ${version}`);
  }
  return version;
}

const python = pythonTorch();
const tsx = join(dirname(require.resolve("tsx/package.json")), "dist", "cli.mjs");

const page = join(root, "docs", "benchmarks.md");
const machine = thisMachine(cpuCapability());
const compared = { node: process.versions.node, libtorch: versions().torch, python };
const measured: string[] = [];
for (const { file, title, about } of benchmarks) {
  console.log(`\n${title} (benchmarks/${file}.ts)`);
  const { status, stdout } = spawnSync(process.execPath, [tsx, join(__dirname, `${file}.ts`)], {
    encoding: "utf8",
    env: { ...process.env, PYTHON: options.python },
    stdio: ["ignore", "pipe", "inherit"],
  });
  console.log(stdout.trim());
  if (status !== 0) process.exitCode = 1;
  const verdict = status === 0 ? "" : "\n\nA bound did not hold in this run.";
  measured.push(`### ${title}\n\n${about} \`benchmarks/${file}.ts\`\n\n${stdout.trim()}${verdict}\n`);
  // After each one, so that an interrupted run keeps what it measured.
  writeFileSync(page, withSection(readPage(page), section(machine, compared, measured)));
}

console.log("\nwrote docs/benchmarks.md");
