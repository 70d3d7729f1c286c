import { execFileSync, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/**
 * A run that is killed anywhere can be resumed and ends with the same bits: weights, optimizer, averages, random numbers.
 *
 * One run is stopped before and after every system call that renames, links, removes or syncs, and its folder copied: that is
 * what a kill at this point leaves. Others are really killed, at points that a seed chooses, also inside writes.
 * NOETHER_KILLS=200 kills that many of them.
 */

// The built package, since the runs are processes of their own.
interface Built {
  readonly trainer: {
    train(model: unknown): Promise<void>;
    stateDict(): Map<string, unknown>;
    readonly startCheckpoint: { readonly update: number };
    readonly callbacks: readonly { parametersOf(path: null, factor: number): Map<string, unknown> | undefined }[];
    readonly checkpointWriter: { save(options: object): void };
  };
  readonly model: { stateDict(): Map<string, unknown>; readonly optimizer: { stateDict(): Map<string, unknown> } };
}
const { build } = jest.requireActual<{ build(options: object): Built }>("./run.cjs");
const torch = jest.requireActual<{
  scope<T>(body: () => T): T;
  Tensor: new () => { toArray(): unknown };
  getNumThreads(): number;
}>("../../../dist/torch");

const KILLS = Number(process.env["NOETHER_KILLS"] ?? 25);
const root = mkdtempSync(join(tmpdir(), "noether-kill-"));
const shim = join(root, "shim.so");
const script = join(__dirname, "run.cjs");
afterAll(() => rmSync(root, { recursive: true, force: true }));

/** What training goes on from, part by part, as checksums of every bit. */
type State = Record<"weights" | "optimizer" | "averages" | "random", string>;

function stateOf({ trainer, model }: Built): State {
  const plain = (value: unknown): unknown => {
    if (value instanceof torch.Tensor) return value.toArray();
    if (value instanceof Map) return [...value].map(([key, item]) => [String(key), plain(item)]);
    if (value === null || typeof value !== "object") return value;
    return Object.entries(value).map(([key, item]) => [key, plain(item)]);
  };
  const digest = (value: unknown): string =>
    createHash("sha256")
      .update(torch.scope(() => JSON.stringify(plain(value))))
      .digest("hex");
  return {
    weights: digest(model.stateDict()),
    optimizer: digest(model.optimizer.stateDict().get("state")),
    averages: digest(trainer.callbacks.map((callback) => callback.parametersOf?.(null, 0.5))),
    random: digest((trainer.stateDict().get("random_state") as Map<string, unknown>).get("cpu")),
  };
}

/** Resumes the latest checkpoint of a run directory and trains to the end; null: there is none yet. */
async function resume(from: string): Promise<{ update: number; state: State } | null> {
  let built: Built;
  try {
    built = build({ outputRootPath: join(root, "resumed"), from, saves: false });
  } catch (error) {
    if (/net_cp=latest_trainer\.th' does not exist/.test((error as Error).message)) return null;
    throw error;
  }
  await built.trainer.train(built.model);
  return { update: built.trainer.startCheckpoint.update, state: stateOf(built) };
}

/** Runs the program below `output` with the library preloaded. */
function run(output: string, environment: Record<string, string>) {
  mkdirSync(output, { recursive: true });
  // The same bits are promised for the same number of threads: the gradient of batch norm, for one, is summed thread by thread.
  const threads = String(torch.getNumThreads());
  return spawnSync(process.execPath, [script, output], {
    encoding: "utf8",
    env: {
      ...process.env,
      OMP_NUM_THREADS: threads,
      MKL_NUM_THREADS: threads,
      LD_PRELOAD: shim,
      SHIM_BELOW: join(output, "run"),
      ...environment,
    },
  });
}

/** Names and content of a folder's files. */
function digestOf(folder: string): string {
  const hash = createHash("sha256");
  for (const name of (readdirSync(folder, { recursive: true }) as string[]).sort()) {
    const path = join(folder, name);
    hash.update(`${name}\n`);
    if (statSync(path).isFile()) hash.update(readFileSync(path));
  }
  return hash.digest("hex");
}

const onLinux = process.platform === "linux" ? describe : describe.skip;
onLinux("a run that is killed", () => {
  let whole: State;
  let points: number;
  /** What a kill at each point leaves, without repetitions. */
  const left: string[] = [];

  beforeAll(async () => {
    execFileSync("c++", ["-shared", "-fPIC", "-std=c++17", "-o", shim, join(__dirname, "shim.cpp"), "-ldl"]);
    const snapshots = join(root, "snapshots");
    mkdirSync(snapshots);
    const count = join(root, "count");
    const { status, stderr } = run(join(root, "whole"), { SHIM_SNAPSHOTS: snapshots, SHIM_COUNT: count });
    if (status !== 0) throw new Error(stderr);
    points = Number(readFileSync(count, "utf8"));
    let last = "";
    for (const name of readdirSync(snapshots).sort()) {
      const digest = digestOf(join(snapshots, name));
      if (digest !== last) left.push(join(snapshots, name));
      last = digest;
    }
    const built = build({ outputRootPath: join(root, "uninterrupted"), saves: false });
    await built.trainer.train(built.model);
    whole = stateOf(built);
  }, 120_000);

  test("between any two system calls can be resumed from its latest checkpoint and ends the same", async () => {
    const updates: number[] = [];
    for (const snapshot of left) {
      const from = join(root, "left");
      rmSync(from, { recursive: true, force: true });
      cpSync(snapshot, join(from, "run"), { recursive: true });
      const resumed = await resume(from);
      if (resumed !== null) expect({ snapshot, ...resumed.state }).toEqual({ snapshot, ...whole });
      updates.push(resumed?.update ?? 0);
    }
    // every second update (averages) and every fourth (checkpoints) writes under `latest`; it never gets older
    expect([...new Set(updates)]).toEqual([0, 2, 4, 6]);
    expect(updates).toEqual([...updates].sort((a, b) => a - b));
  }, 120_000);

  test("leaves nothing that the next save in its folder does not remove", () => {
    const checkpoints = (folder: string): string[] =>
      existsSync(join(folder, "checkpoints")) ? readdirSync(join(folder, "checkpoints")) : [];
    const isLeftOver = (name: string): boolean => !/^net_.*_(model|optim|trainer)\.th$/.test(name);
    const partial = left.filter((snapshot) => checkpoints(snapshot).some(isLeftOver));
    expect(partial.length).toBeGreaterThan(20);
    for (const snapshot of partial) {
      const from = join(root, "again");
      rmSync(from, { recursive: true, force: true });
      cpSync(snapshot, join(from, "run"), { recursive: true });
      const { trainer, model } = build({ outputRootPath: from });
      trainer.checkpointWriter.save({ model, checkpointTag: "again", saveOptim: false });
      expect(checkpoints(join(from, "run")).filter(isLeftOver)).toEqual([]);
    }
  });

  test(`at ${KILLS} random points can be resumed and ends the same`, async () => {
    // a generator with a fixed seed, so that a failure can be repeated
    let seed = 1;
    const random = (): number => (seed = (seed * 48271) % 2147483647) / 2147483647;
    for (let i = 0; i < KILLS; i++) {
      const output = join(root, `killed${i}`);
      const at = 1 + Math.floor(random() * points);
      const { signal, stderr } = run(output, { SHIM_KILL_AT: String(at) });
      if (signal !== "SIGKILL") throw new Error(`not killed at ${at} of ${points}: ${stderr}`);
      const resumed = existsSync(join(output, "run")) ? await resume(output) : null;
      if (resumed !== null) expect({ at, ...resumed.state }).toEqual({ at, ...whole });
      rmSync(output, { recursive: true });
    }
  }, 1_800_000);
});
