/** Several processes of a program that meet through a file, as tests of `torch.distributed` need them. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { builtPackage } from "./child";

/** What became of a process. */
export interface EndedRank {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  /** The JSON of the last line that it printed; undefined: it printed none. */
  readonly result: unknown;
  readonly output: string;
}

/** A process of the group: a TypeScript file, or a Python one that `python` runs. */
export interface RankProgram {
  readonly script: string;
  readonly args?: readonly string[];
  readonly python?: string;
}

/** Starts the programs, one rank each. Their environment has RANK, WORLD_SIZE and INIT_METHOD, the URL where they meet. */
export function startRanks(
  programs: readonly RankProgram[],
  env: Readonly<Record<string, string>> = {},
): { readonly children: readonly ChildProcess[]; readonly ended: Promise<EndedRank[]> } {
  const folder = mkdtempSync(join(tmpdir(), "noether-ranks-"));
  const children = programs.map(({ script, args = [], python }, rank) =>
    spawn(
      python ?? process.execPath,
      python === undefined ? ["--require", builtPackage, script, ...args] : [script, ...args],
      {
        stdio: ["ignore", "pipe", "pipe"],
        env: {
          ...process.env,
          OMP_NUM_THREADS: "1",
          GLOO_SOCKET_IFNAME: process.platform === "linux" ? "lo" : "",
          RANK: String(rank),
          WORLD_SIZE: String(programs.length),
          INIT_METHOD: `file://${folder}/store`,
          ...env,
        },
      },
    ),
  );
  const ended = Promise.all(children.map(endOf)).finally(() => rmSync(folder, { recursive: true, force: true }));
  return { children, ended };
}

/** Runs the programs to their end; fails with what they printed where one ended otherwise than well. */
export async function runRanks(
  programs: readonly RankProgram[],
  env: Readonly<Record<string, string>> = {},
): Promise<unknown[]> {
  const all = await startRanks(programs, env).ended;
  if (all.some(({ code }) => code !== 0)) {
    throw new Error(
      all.map(({ code, signal, output }, rank) => `rank ${rank}: ${signal ?? code}\n${output}`).join("\n"),
    );
  }
  return all.map(({ result }) => result);
}

async function endOf(child: ChildProcess): Promise<EndedRank> {
  let output = "";
  let printed = "";
  child.stdout!.on("data", (chunk: Buffer) => {
    output += chunk.toString();
    printed += chunk.toString();
  });
  child.stderr!.on("data", (chunk: Buffer) => (output += chunk.toString()));
  const [code, signal] = (await once(child, "close")) as [number | null, NodeJS.Signals | null];
  const line = printed.trimEnd().split("\n").at(-1) ?? "";
  let result: unknown;
  try {
    result = JSON.parse(line);
  } catch {
    result = undefined;
  }
  return { code, signal, result, output };
}
