/** How processes find each other: from a URL to a store, with the rank of this process. */
import { processEnvironment } from "./environment";
import { DistributedError } from "./errors";
import { FileStore, type Store, TCPStore } from "./stores";

/** Where this process stands, and the store that all share. */
export interface Meeting {
  readonly store: Store;
  readonly rank: number;
  readonly worldSize: number;
}

/** What the caller says, where the URL does not. */
export interface MeetingOptions {
  readonly rank?: number | undefined;
  readonly worldSize?: number | undefined;
  /** Milliseconds. */
  readonly timeout: number;
}

/**
 * Meets the other processes.
 *
 * Rank and number of processes are those of the options, of the URL (`?rank=0&world_size=2`), or of the environment.
 *
 * - `env://`: MASTER_ADDR and MASTER_PORT, or Slurm's variables
 * - `tcp://host:port`: the process with rank 0 serves there
 * - `file:///path`: a new file that all processes see
 *
 * @throws DistributedError naming what is missing
 */
export async function meet(url: string, { rank, worldSize, timeout }: MeetingOptions): Promise<Meeting> {
  const { protocol, hostname, port, pathname, searchParams } = parse(url);
  const known = processEnvironment();
  const ownRank = rank ?? numberIn(searchParams, "rank") ?? known?.rank;
  const size = worldSize ?? numberIn(searchParams, "world_size") ?? known?.worldSize;
  if (ownRank === undefined || size === undefined) {
    const missing = ownRank === undefined ? "the rank of this process" : "the number of processes";
    return fail(
      `expected ${missing}, found none: set RANK and WORLD_SIZE (srun sets SLURM_PROCID), or the options rank and worldSize`,
    );
  }
  if (!Number.isInteger(ownRank) || ownRank < 0 || ownRank >= size)
    return fail(`expected a rank from 0 to ${size - 1}, got ${ownRank}`);
  if (protocol === "file:") {
    if (pathname === "") return fail(`expected file:///path, got ${url}`);
    return { store: await FileStore.open(decodeURIComponent(pathname), size, timeout), rank: ownRank, worldSize: size };
  }
  const host = protocol === "tcp:" ? hostname : (known?.masterAddr ?? process.env["MASTER_ADDR"] ?? "");
  const number = protocol === "tcp:" ? port : String(known?.masterPort ?? process.env["MASTER_PORT"] ?? "");
  if (host === "" || !/^\d+$/.test(number)) {
    return fail(
      `expected the address of the first process, found none: ${protocol === "tcp:" ? `write tcp://host:port, not ${url}` : "set MASTER_ADDR and MASTER_PORT"}`,
    );
  }
  // torchrun's agent may serve the store itself
  const served = protocol === "env:" && process.env["TORCHELASTIC_USE_AGENT_STORE"] === "True";
  const store = await TCPStore.connect(host, Number(number), {
    isServer: ownRank === 0 && !served,
    worldSize: size,
    timeout,
    useLibuv: process.env["USE_LIBUV"] !== "0",
  });
  return { store, rank: ownRank, worldSize: size };
}

function parse(url: string): URL {
  try {
    const parsed = new URL(url);
    if (["env:", "tcp:", "file:"].includes(parsed.protocol)) return parsed;
  } catch {
    // below
  }
  return fail(`expected env://, tcp://host:port or file:///path, got ${JSON.stringify(url)}`);
}

function numberIn(parameters: URLSearchParams, name: string): number | undefined {
  const text = parameters.get(name);
  return text === null ? undefined : Number(text);
}

function fail(message: string): never {
  throw new DistributedError(`initProcessGroup: ${message}`, {
    operation: "initProcessGroup",
    rank: null,
    worldSize: null,
  });
}
