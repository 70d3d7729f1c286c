/** `devices: "0,1"` on one machine: one process for each device, all of this program. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:net";
import { availableParallelism } from "node:os";
import { createInterface } from "node:readline";
import type { Readable, Writable } from "node:stream";
import { RuntimeError } from "../../config/python-errors";
import { getLogger } from "../../core/logging";

/** What {@link launchProcesses} starts. */
export interface LaunchOptions {
  /** Index of the device of each process, among those that are visible to this one. */
  readonly devices: readonly number[];
  readonly accelerator: string;
  /** Where the first process waits for the others; null: a port that is free. */
  readonly masterPort: number | null;
  /** Program and arguments after `node`. Default: those of this process. */
  readonly command?: readonly string[];
  /** Where the lines of the processes go, each with the rank before it. Default: this process's own streams. */
  readonly stdout?: Writable;
  readonly stderr?: Writable;
}

/** Milliseconds that the others get to end by themselves when one has failed. */
const GRACE = 15_000;

/**
 * Runs the processes to their end. SIGTERM and Ctrl-C are passed on to all, which do with them what a run of one process does; where Ctrl-C
 * ends them, it ends this process too. When one fails the others are ended.
 *
 * @throws RuntimeError naming the process that failed first
 */
export async function launchProcesses(options: LaunchOptions): Promise<void> {
  const { devices, command = process.argv.slice(1) } = options;
  const port = options.masterPort ?? (await freePort());
  const logger = getLogger("runner");
  logger.info(`starting ${devices.length} processes, one for each of the devices ${devices.join(", ")}`);
  const children = devices.map((_, rank) => {
    const child = spawn(process.execPath, [...process.execArgv, ...command], {
      env: { ...process.env, ...environmentOf(rank, options, port) },
      // by the channel a process learns of the end of this one; what it tells is passed on
      stdio: ["ignore", "pipe", "pipe", "ipc"],
      detached: true, // the terminal's Ctrl-C comes here only, and is passed on once
    });
    prefix(child.stdout, options.stdout ?? process.stdout, rank);
    prefix(child.stderr, options.stderr ?? process.stderr, rank);
    child.on("message", (message) => process.send?.(message));
    return child;
  });
  let interrupted = false;
  const pass = (signal: NodeJS.Signals): void => {
    interrupted ||= signal === "SIGINT";
    for (const child of children) child.kill(signal);
  };
  const signals = ["SIGTERM", "SIGINT", "SIGHUP"] as const;
  for (const signal of signals) process.on(signal, pass);
  let failure: string | null;
  try {
    failure = await allEnded(children, () => interrupted);
  } finally {
    for (const signal of signals) process.off(signal, pass);
  }
  if (failure === null) return;
  if (interrupted) process.kill(process.pid, "SIGINT");
  throw new RuntimeError(`${failure}; what it said is above, after [rank …]`);
}

/** What a process finds in its environment, as torchrun sets it. CUDA has to see its one device before libtorch is loaded. */
function environmentOf(rank: number, { devices, accelerator }: LaunchOptions, port: number): Record<string, string> {
  const world = String(devices.length);
  const { env } = process;
  const visible = env["CUDA_VISIBLE_DEVICES"]?.split(",").map((entry) => entry.trim());
  const device = devices[rank]!;
  return {
    RANK: String(rank),
    LOCAL_RANK: String(rank),
    WORLD_SIZE: world,
    LOCAL_WORLD_SIZE: world,
    MASTER_ADDR: "127.0.0.1",
    MASTER_PORT: String(port),
    OMP_NUM_THREADS: env["OMP_NUM_THREADS"] ?? String(Math.max(1, Math.floor(availableParallelism() / devices.length))),
    ...(process.platform === "linux" ? { GLOO_SOCKET_IFNAME: env["GLOO_SOCKET_IFNAME"] ?? "lo" } : {}),
    ...(accelerator === "gpu" ? { CUDA_VISIBLE_DEVICES: visible?.[device] ?? String(device) } : {}),
  };
}

/** Which process failed first, and how; null: none. */
async function allEnded(children: readonly ChildProcess[], isInterrupted: () => boolean): Promise<string | null> {
  let failure: string | null = null;
  let timer: NodeJS.Timeout | null = null;
  await Promise.all(
    children.map(async (child, rank) => {
      const [code, signal] = (await once(child, "close")) as [number | null, NodeJS.Signals | null];
      if (code === 0 || failure !== null) return;
      failure = `rank ${rank} ended with ${signal ?? `exit code ${code}`}`;
      if (!isInterrupted()) getLogger("runner").error(`${failure}: ending the others`);
      for (const other of children) other.kill("SIGTERM");
      timer = setTimeout(() => children.forEach((other) => other.kill("SIGKILL")), GRACE);
    }),
  );
  if (timer !== null) clearTimeout(timer);
  return failure;
}

function prefix(from: Readable | null, to: Writable, rank: number): void {
  if (from === null) return;
  createInterface({ input: from }).on("line", (line) => to.write(`[rank ${rank}] ${line}\n`));
}

/** A port of this machine that nobody uses. */
async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as { port: number };
  server.close();
  await once(server, "close");
  return port;
}
