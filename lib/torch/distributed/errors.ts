import { TorchError } from "../errors";

/** Where an operation among processes failed. */
export interface DistributedErrorDetails {
  /** `allReduce`, `initProcessGroup`, … */
  readonly operation: string;
  /** This process's number in the group; null where it has none yet. */
  readonly rank: number | null;
  readonly worldSize: number | null;
  readonly cause?: unknown;
}

/** An operation among processes failed: `code` is `ERR_DISTRIBUTED`. The group cannot be used any more; end the process, or start a new group. */
export class DistributedError extends TorchError {
  override readonly name = "DistributedError";
  readonly rank: number | null;
  readonly worldSize: number | null;

  constructor(message: string, { operation, rank, worldSize, cause }: DistributedErrorDetails) {
    super(message, { code: "ERR_DISTRIBUTED", operator: operation, cause });
    this.rank = rank;
    this.worldSize = worldSize;
  }
}

/** Codes of mistakes in a call, as opposed to failures of the network. */
const MISTAKES = new Set(["ERR_ARGUMENT", "ERR_DISPOSED", "ERR_OUT_OF_MEMORY"]);

/** Where in Gloo's source a message comes from. */
const SOURCE = /\[\/[^\]]*:\d+\] /g;

/** @internal What was thrown, as an error that says who failed at what, and what to look at. */
export function describeFailure(
  error: unknown,
  details: Omit<DistributedErrorDetails, "cause">,
  seconds: number | null,
): Error {
  if (!(error instanceof Error) || error instanceof DistributedError) return error as Error;
  if (MISTAKES.has((error as { code?: string }).code ?? "")) return error;
  const { operation, rank, worldSize } = details;
  const who = rank === null ? "" : `rank ${rank} of ${worldSize}: `;
  const text = `${who}${operation} failed${seconds === null ? "" : ` after ${seconds.toFixed(1)} s`}: ${error.message.replace(SOURCE, "").trim()}`;
  return new DistributedError(`${text.replace(/\.$/, "")}. ${advice(error.message, operation)}`, {
    ...details,
    cause: error,
  });
}

/** @internal Whether an error is of the connection between processes, in the words of Gloo and NCCL. */
export function isConnectionFailure({ message }: Error): boolean {
  return /gloo\/transport|NCCL error|remote worker|Application timeout caused pair closure/.test(message);
}

function advice(message: string, operation: string): string {
  if (message.includes("the processes do not call the same")) {
    return (
      "Nothing was sent. All processes of a group have to call the same operations in the same order, with tensors of one dtype and shape " +
      "(allGatherUneven, allToAll with uneven: true take others)."
    );
  }
  if (/EADDRINUSE|address already in use/.test(message)) {
    return "Another program has this port: take another one (MASTER_PORT; master_port in a config).";
  }
  if (operation.startsWith("serving the store")) {
    return "Fewer processes came than WORLD_SIZE says, or they look elsewhere (MASTER_ADDR, MASTER_PORT, firewalls).";
  }
  if (operation.startsWith("connecting to the store")) {
    return "The process with rank 0 serves it: look whether it runs, whether MASTER_ADDR and MASTER_PORT say where, and for firewalls between.";
  }
  if (/timed? ?out/i.test(message)) {
    return (
      `Not every process came to ${operation} in time: look whether one has ended, waits elsewhere (all have to call the same operations ` +
      "in the same order), cannot reach the others (MASTER_ADDR, MASTER_PORT, GLOO_SOCKET_IFNAME, firewalls), or needs a longer timeout."
    );
  }
  if (/closed|reset|refused|EOF|broken pipe|connect|recv|read|write/i.test(message)) {
    return "Another process of the group has ended or cannot be reached: its log says why.";
  }
  return "Look at the logs of the other processes: tensors need the same shape and dtype on all of them.";
}
