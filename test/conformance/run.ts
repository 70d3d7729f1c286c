/**
 * Records all of PyTorch's operator samples with a Python that has torch, and replays them here.
 *
 * usage: npm run test:conformance [-- --find | --keep FOLDER]
 *
 * The Python: `NOETHER_PYTHON`, else python3. It needs torch of the version that the addon is built for, and `pip install expecttest`.
 * `--find` only says whether there is one; `--keep` keeps (or reuses) the recordings. About 15 minutes on two cores, most of it in Python.
 */
import { spawn, spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { availableParallelism, tmpdir } from "node:os";
import { join } from "node:path";
import { versions } from "../../lib/torch";
import { KNOWN, reasonFor } from "./known";
import { recordings } from "./recordings";
import { replay, type Outcome } from "./replay";

const python = process.env.NOETHER_PYTHON ?? "python3";
const wanted = versions().torch.split("+")[0]!;

/** Why there is no Python to record with, or null. */
function missing(): string | null {
  const found = spawnSync(python, ["-c", "import torch, expecttest; print(torch.__version__)"], { encoding: "utf8" });
  if (found.status !== 0) return `${python} has no torch, or no expecttest`;
  const version = found.stdout.trim().split("+")[0]!;
  return version === wanted ? null : `${python} has torch ${version}, the addon is built for ${wanted}`;
}

async function record(folder: string): Promise<void> {
  const parts = availableParallelism();
  await Promise.all(
    Array.from(
      { length: parts },
      (_, part) =>
        new Promise<void>((resolve, reject) => {
          const script = join(__dirname, "record.py");
          const child = spawn(python, [script, folder, "--part", `${part}/${parts}`], {
            stdio: ["ignore", "pipe", "pipe"],
          });
          let errors = "";
          child.stderr.on("data", (text: Buffer) => (errors = (errors + text.toString()).slice(-2000)));
          child.stdout.on("data", () => {
            const done = readdirSync(folder).filter((name) => name.endsWith(".json")).length;
            if (done % 50 === 0) console.log(`recorded ${done} operators`);
          });
          child.on("error", reject);
          child.on("close", (code) =>
            code === 0 ? resolve() : reject(new Error(`record.py ended with ${code}: ${errors}`)),
          );
        }),
    ),
  );
}

function summary(outcomes: readonly Outcome[]): string {
  const kinds = [...new Set(outcomes.map(({ kind }) => kind))];
  const count = (kind: string, status: Outcome["status"]) =>
    outcomes.filter((each) => each.kind === kind && each.status === status).length;
  const rows = kinds.map((kind) => [kind, count(kind, "pass"), count(kind, "fail"), count(kind, "skip")].join("\t"));
  return ["kind\tpass\tfail\tskip", ...rows].join("\n");
}

function grouped(outcomes: readonly Outcome[]): Map<string, Outcome[]> {
  const groups = new Map<string, Outcome[]>();
  for (const each of outcomes) {
    const key = `${each.operator}, ${each.kind}`;
    groups.set(key, [...(groups.get(key) ?? []), each]);
  }
  return groups;
}

async function main(): Promise<number> {
  const reason = missing();
  if (process.argv.includes("--find")) {
    console.log(reason === null ? python : `conformance skipped: ${reason}`);
    return 0;
  }
  if (reason !== null) {
    console.error(
      `test:conformance: expected a Python with torch ${wanted} and expecttest in NOETHER_PYTHON; ${reason}`,
    );
    return 2;
  }
  const at = process.argv.indexOf("--keep");
  const kept = at < 0 ? undefined : process.argv[at + 1];
  const folder = kept ?? mkdtempSync(join(tmpdir(), "noether-conformance-"));
  try {
    if (kept === undefined || !existsSync(kept)) {
      mkdirSync(folder, { recursive: true });
      await record(folder);
    }
    const outcomes: Outcome[] = [];
    for (const { recording, bytes } of recordings(folder)) outcomes.push(...replay(recording, bytes));
    const failed = outcomes.filter(({ status }) => status === "fail");
    const unexpected = failed.filter(({ operator, kind }) => reasonFor(operator, kind) === null);
    console.log(summary(outcomes));
    for (const known of KNOWN) {
      const count = failed.filter(({ operator, kind }) => reasonFor(operator, kind) === known.reason).length;
      console.log(`known, ${count}: ${known.operators.join(", ")}: ${known.reason}`);
    }
    for (const [name, each] of grouped(unexpected))
      console.log(`FAIL ${name} (${each.length}): ${each[0]!.dtype}: ${each[0]!.detail}`);
    console.log(
      `${outcomes.filter(({ status }) => status === "pass").length} comparisons pass, ${unexpected.length} fail, ${failed.length - unexpected.length} fail as known`,
    );
    const stale = KNOWN.flatMap(({ operators, reason }) =>
      operators.filter(
        (name) => !failed.some(({ operator, kind }) => operator === name && reasonFor(operator, kind) === reason),
      ),
    );
    for (const operator of stale) console.log(`STALE ${operator} passes: remove it from known.ts`);
    return unexpected.length === 0 && stale.length === 0 ? 0 : 1;
  } finally {
    if (kept === undefined) rmSync(folder, { recursive: true, force: true });
  }
}

void main().then((code) => (process.exitCode = code));
