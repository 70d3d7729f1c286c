/** Which process of a run this is, by the environment that torchrun and Slurm set. */
import { DistributedError } from "./errors";

/** A process among those that a launcher has started. */
export interface ProcessEnvironment {
  readonly rank: number;
  readonly worldSize: number;
  /** Number among the processes of this machine. */
  readonly localRank: number;
  /** Processes on this machine. */
  readonly localWorldSize: number;
  readonly numNodes: number;
  /** Host of the first process; null: not said. */
  readonly masterAddr: string | null;
  readonly masterPort: number | null;
  readonly launcher: "torchrun" | "slurm";
}

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * What the launcher says; null: the process was started alone.
 *
 * RANK and WORLD_SIZE come first (torchrun sets them, and `devices: "0,1"`), then SLURM_PROCID, which srun sets.
 *
 * @throws DistributedError for a rank that does not fit
 */
export function processEnvironment(env: Environment = process.env): ProcessEnvironment | null {
  const found = fromTorchrun(env) ?? fromSlurm(env);
  if (found === null) return null;
  const { rank, worldSize } = found;
  if (worldSize < 1 || rank < 0 || rank >= worldSize)
    throw new DistributedError(
      `the environment says rank ${rank} of ${worldSize} processes (RANK and WORLD_SIZE, or SLURM_PROCID and SLURM_STEP_NUM_TASKS): expected a rank from 0 to ${worldSize - 1}`,
      { operation: "processEnvironment", rank, worldSize },
    );
  return found;
}

function fromTorchrun(env: Environment): ProcessEnvironment | null {
  const rank = whole(env, "RANK");
  const worldSize = whole(env, "WORLD_SIZE");
  if (rank === null || worldSize === null) return null;
  const localWorldSize = whole(env, "LOCAL_WORLD_SIZE") ?? worldSize;
  return {
    rank,
    worldSize,
    localRank: whole(env, "LOCAL_RANK") ?? rank,
    localWorldSize,
    numNodes: whole(env, "GROUP_WORLD_SIZE") ?? Math.ceil(worldSize / localWorldSize),
    masterAddr: env["MASTER_ADDR"] || null,
    masterPort: whole(env, "MASTER_PORT"),
    launcher: "torchrun",
  };
}

function fromSlurm(env: Environment): ProcessEnvironment | null {
  const rank = whole(env, "SLURM_PROCID");
  if (rank === null) return null;
  const numNodes = whole(env, "SLURM_STEP_NUM_NODES") ?? whole(env, "SLURM_JOB_NUM_NODES") ?? 1;
  const perNode = whole(env, "SLURM_NTASKS_PER_NODE");
  // of the step that srun started, where it says so: a job may have more tasks than one of its steps
  const worldSize = whole(env, "SLURM_STEP_NUM_TASKS") ?? numNodes * (perNode ?? 1);
  const job = whole(env, "SLURM_JOB_ID");
  return {
    rank,
    worldSize,
    localRank: whole(env, "SLURM_LOCALID") ?? rank,
    localWorldSize: perNode ?? Math.ceil(worldSize / numNodes),
    numNodes,
    masterAddr: env["MASTER_ADDR"] || expandHosts(env["SLURM_JOB_NODELIST"] ?? "")[0] || null,
    masterPort: whole(env, "MASTER_PORT") ?? (job === null ? null : 15_000 + (job % 10_000)),
    launcher: "slurm",
  };
}

/** An integer of the environment; null: not set, or written as Slurm does for several nodes, `4(x2)`. */
function whole(env: Environment, name: string): number | null {
  const text = env[name];
  return text !== undefined && /^\d+$/.test(text) ? Number(text) : null;
}

/** The hosts of one of Slurm's lists: `a,node[01-03,7]` are a, node01, node02, node03, node7. */
export function expandHosts(list: string): string[] {
  const hosts: string[] = [];
  for (const [part] of list.matchAll(/(?:[^,[\]]|\[[^\]]*\])+/g)) hosts.push(...expandHost(part));
  return hosts;
}

function expandHost(part: string): string[] {
  const range = /^([^[]*)\[([^\]]*)\](.*)$/.exec(part);
  if (range === null) return [part];
  const [, before = "", inside = "", after = ""] = range;
  const numbers = inside.split(",").flatMap((item) => {
    const [first = "", last = first] = item.split("-");
    const length = Number(last) - Number(first) + 1;
    return Array.from({ length }, (_, index) => String(Number(first) + index).padStart(first.length, "0"));
  });
  return numbers.flatMap((number) => expandHost(after).map((rest) => `${before}${number}${rest}`));
}
