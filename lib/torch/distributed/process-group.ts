/** Groups of processes, and the one of all. */
import { native } from "../addon";
import type { NativeDistributed } from "../native";
import { connectProcesses } from "../errors";
import { describeFailure, DistributedError, isConnectionFailure } from "./errors";
import { meet } from "./rendezvous";
import { PrefixStore, type Store } from "./stores";

/** `gloo` for the CPU, `nccl` for NVIDIA's GPUs, or one for each: `cpu:gloo,cuda:nccl`. */
export type Backend = "gloo" | "nccl" | (string & {});

/** Options of {@link initProcessGroup}. */
export interface InitOptions {
  /** Default: `cpu:gloo,cuda:nccl` where NCCL is there, else `gloo`. Python processes of the group have to name the same. */
  readonly backend?: Backend;
  /** `env://` (default), `tcp://host:port` or `file:///path`. */
  readonly initMethod?: string;
  /** Instead of `initMethod`. */
  readonly store?: Store;
  /** Default: that of the environment. */
  readonly rank?: number;
  /** Default: that of the environment. */
  readonly worldSize?: number;
  /** Milliseconds that an operation may wait for the other processes. Default 30 minutes, 10 where there is `nccl`. */
  readonly timeout?: number;
}

/** Options of {@link newGroup}. */
export interface GroupOptions {
  /** Default: that of the group of all processes. */
  readonly backend?: Backend;
  /** Milliseconds. Default: as for {@link initProcessGroup}. */
  readonly timeout?: number;
}

/** Processes that communicate with each other. */
export class ProcessGroup {
  /** @internal */
  constructor(
    /** @internal */
    readonly handle: NativeDistributed,
    /** This process's number in the group. */
    readonly rank: number,
    /** Numbers of its processes in the group of all, in the order of their ranks. */
    readonly ranks: readonly number[],
    /** In the store: `0` is the group of all. */
    readonly name: string,
    readonly backend: Backend,
    /** Milliseconds. */
    readonly timeout: number,
  ) {}

  /** Number of processes. */
  get size(): number {
    return this.ranks.length;
  }

  /** The rank in this group of a process that has `rank` in the group of all. @throws RangeError when it is no member */
  rankOf(rank: number): number {
    const index = this.ranks.indexOf(rank);
    if (index < 0) throw new RangeError(`expected a process of the group (${this.ranks.join(", ")}), got rank ${rank}`);
    return index;
  }

  /** @internal A copied module communicates in the same group. */
  deepcopy(): this {
    return this;
  }

  /** @internal Runs an operation; its failure says who failed at what. */
  async run<T>(operation: string, start: (handle: NativeDistributed) => Promise<T> | T): Promise<T> {
    const begin = performance.now();
    try {
      return await start(this.handle);
    } catch (error) {
      throw this.#failure(error, operation, begin);
    }
  }

  /** @internal The same for one that blocks this thread. */
  runNow(operation: string, start: (handle: NativeDistributed) => unknown): void {
    const begin = performance.now();
    try {
      void start(this.handle);
    } catch (error) {
      throw this.#failure(error, operation, begin);
    }
  }

  #failure(error: unknown, operation: string, begin: number): Error {
    const details = { operation, rank: this.rank, worldSize: this.size };
    return describeFailure(error, details, (performance.now() - begin) / 1000);
  }
}

interface World {
  readonly group: ProcessGroup;
  /** The store, and the part of it that groups use. */
  readonly store: Store;
  readonly groupStore: Store;
  readonly groups: Set<ProcessGroup>;
  /** Groups made so far: the next one's name. */
  count: number;
}

let world: World | null = null;
connectProcesses((error, operation) => {
  if (world === null || !isConnectionFailure(error)) return null;
  const { rank, size: worldSize } = world.group;
  return describeFailure(error, { operation, rank, worldSize }, null);
});
let starting = false;

/**
 * Joins the group of all processes, once in a process. All have to call it; it ends when all are connected.
 *
 * Messages and keys are those of Python's `torch.distributed`, so that Python processes with the same version of libtorch can be members.
 *
 * @throws DistributedError when the others do not come within `timeout`
 */
export async function initProcessGroup(options: InitOptions = {}): Promise<ProcessGroup> {
  if (world !== null || starting)
    throw new Error("initProcessGroup: expected one call, but the group is there: destroyProcessGroup() first");
  const { backend = native.ncclAvailable() ? "cpu:gloo,cuda:nccl" : "gloo", initMethod = "env://" } = options;
  const backends = parseBackend(backend);
  const timeout = options.timeout ?? defaultTimeout(backends);
  starting = true;
  let store: Store | null = null;
  try {
    let { rank = 0, worldSize = 1 } = options;
    if (options.store !== undefined) store = options.store;
    else
      ({ store, rank, worldSize } = await meet(initMethod, {
        rank: options.rank,
        worldSize: options.worldSize,
        timeout,
      }));
    const groupStore = new PrefixStore("default_pg", store);
    const ranks = Array.from({ length: worldSize }, (_, index) => index);
    const group = await connect({ store: groupStore, rank, ranks, name: "0", backend, timeout, isDefault: true });
    world = { group, store, groupStore: new PrefixStore("0/", groupStore), groups: new Set([group]), count: 1 };
    return group;
  } catch (error) {
    if (options.store === undefined) await store?.close();
    throw error;
  } finally {
    starting = false;
  }
}

/**
 * A group of some processes. All processes have to call it, with the same ranks and in the same order.
 *
 * @param ranks in the group of all; default: all
 * @returns null in a process that is no member
 */
export async function newGroup(ranks?: readonly number[], options: GroupOptions = {}): Promise<ProcessGroup | null> {
  const { group: all, groupStore } = requireWorld("newGroup");
  const members = [...(ranks ?? all.ranks)].sort((a, b) => a - b);
  if (
    members.length === 0 ||
    new Set(members).size !== members.length ||
    members.some((rank) => !all.ranks.includes(rank))
  )
    throw new RangeError(
      `newGroup: expected different ranks from 0 to ${all.size - 1}, got ${members.join(", ") || "none"}`,
    );
  const name = String(world!.count++);
  if (!members.includes(all.rank)) return null;
  const { backend = all.backend } = options;
  const timeout = options.timeout ?? defaultTimeout(parseBackend(backend));
  const rank = members.indexOf(all.rank);
  const group = await connect({ store: groupStore, rank, ranks: members, name, backend, timeout, isDefault: false });
  world?.groups.add(group);
  return group;
}

/** Leaves a group; without one, all of them. Operations under way are waited for. */
export async function destroyProcessGroup(group?: ProcessGroup): Promise<void> {
  const { groups, store, groupStore } = requireWorld("destroyProcessGroup");
  if (group !== undefined && group !== world!.group) {
    if (groups.delete(group)) await native.groupClose(group.handle);
    return;
  }
  world = null;
  for (const each of [...groups].reverse()) await native.groupClose(each.handle);
  await groupStore.close();
  await store.close();
}

/** Whether this process is in a group. */
export function isInitialized(): boolean {
  return world !== null;
}

/** Whether libtorch carries NCCL, and this build uses it. */
export function isNcclAvailable(): boolean {
  return native.ncclAvailable();
}

/** This process's number, 0 without a group; in `group`, -1 where it is no member. */
export function getRank(group?: ProcessGroup | null): number {
  return group === null ? -1 : ((group ?? world?.group)?.rank ?? 0);
}

/** Number of processes, 1 without a group. */
export function getWorldSize(group?: ProcessGroup): number {
  return (group ?? world?.group)?.size ?? 1;
}

/** The group of all processes. @throws DistributedError before {@link initProcessGroup} */
export function defaultGroup(operation = "defaultGroup"): ProcessGroup {
  return requireWorld(operation).group;
}

function requireWorld(operation: string): World {
  if (world !== null) return world;
  throw new DistributedError(
    `${operation}: expected a process group, but there is none: await initProcessGroup() first`,
    {
      operation,
      rank: null,
      worldSize: null,
    },
  );
}

interface Connection {
  readonly store: Store;
  readonly rank: number;
  readonly ranks: readonly number[];
  readonly name: string;
  readonly backend: Backend;
  readonly timeout: number;
  readonly isDefault: boolean;
}

async function connect({ store, rank, ranks, name, backend, timeout, isDefault }: Connection): Promise<ProcessGroup> {
  const backends = parseBackend(backend);
  const begin = performance.now();
  try {
    const handle = await native.processGroup(
      store.handle,
      rank,
      ranks.length,
      isDefault ? [] : ranks,
      name,
      [...backends.keys()],
      [...backends.values()],
      timeout,
    );
    return new ProcessGroup(handle, rank, ranks, name, backend, timeout);
  } catch (error) {
    const operation = isDefault ? "initProcessGroup" : "newGroup";
    throw describeFailure(error, { operation, rank, worldSize: ranks.length }, (performance.now() - begin) / 1000);
  }
}

/** From devices to backends, as Python reads the same text. */
function parseBackend(backend: Backend): Map<string, "gloo" | "nccl"> {
  const pairs: [string, string][] = backend.includes(":")
    ? backend.split(",").map((pair) => pair.split(":", 2) as [string, string])
    : backend === "gloo"
      ? [
          ["cpu", "gloo"],
          ["cuda", "gloo"],
        ]
      : [["cuda", backend]];
  for (const [device, name] of pairs) {
    if (!["cpu", "cuda"].includes(device) || !["gloo", "nccl"].includes(name))
      throw new TypeError(`expected a backend "gloo", "nccl" or "cpu:gloo,cuda:nccl", got ${JSON.stringify(backend)}`);
  }
  return new Map(pairs) as Map<string, "gloo" | "nccl">;
}

function defaultTimeout(backends: ReadonlyMap<string, string>): number {
  return ([...backends.values()].includes("nccl") ? 10 : 30) * 60_000;
}
