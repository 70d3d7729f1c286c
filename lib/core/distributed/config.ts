import { distributed } from "../../torch";

/**
 * What a process knows of the run's other processes. By default the process group answers (`torch.distributed`): one process where there is
 * none. {@link setDistributedConfig} replaces the answers.
 */
export interface DistributedConfig {
  /** Number of this process, 0 for the one that logs and writes. */
  getRank(): number;
  /** Number of processes. */
  getWorldSize(): number;
  /** Number of machines. */
  getNumNodes(): number;
  /** Number among the processes of this machine. Default: the rank. */
  getLocalRank?(): number;
}

const ofProcessGroup: Required<DistributedConfig> = {
  getRank: () => distributed.getRank(),
  getWorldSize: () => distributed.getWorldSize(),
  getNumNodes: () => (distributed.isInitialized() ? (distributed.processEnvironment()?.numNodes ?? 1) : 1),
  getLocalRank: () =>
    distributed.isInitialized() ? (distributed.processEnvironment()?.localRank ?? distributed.getRank()) : 0,
};

let current: DistributedConfig = ofProcessGroup;

/** Replaces the answers; null: those of the process group again. */
export function setDistributedConfig(config: DistributedConfig | null): void {
  current = config ?? ofProcessGroup;
}

export function getRank(): number {
  return current.getRank();
}

/** Number among the processes of this machine. */
export function getLocalRank(): number {
  return current.getLocalRank?.() ?? current.getRank();
}

export function getWorldSize(): number {
  return current.getWorldSize();
}

export function getNumNodes(): number {
  return current.getNumNodes();
}

export function isDistributed(): boolean {
  return current.getWorldSize() > 1;
}

/** True in the one process that logs and writes. */
export function isRank0(): boolean {
  return current.getRank() === 0;
}

/** True in one process of every machine. */
export function isLocalRank0(): boolean {
  return getLocalRank() === 0;
}

/** True in the processes that prepare data which the others of their machine read. */
export function isDataRank0(): boolean {
  return isLocalRank0() || getWorldSize() === 1;
}
