/**
 * What a process knows of the run's other processes. A run of one process needs nothing else; a launcher that starts
 * several replaces the answers with {@link setDistributedConfig}.
 */
export interface DistributedConfig {
  /** Number of this process, 0 for the one that logs and writes. */
  getRank(): number;
  /** Number of processes. */
  getWorldSize(): number;
  /** Number of machines. */
  getNumNodes(): number;
}

const singleProcess: DistributedConfig = {
  getRank: () => 0,
  getWorldSize: () => 1,
  getNumNodes: () => 1,
};

let current: DistributedConfig = singleProcess;

/** Replaces the answers; null: one process again. */
export function setDistributedConfig(config: DistributedConfig | null): void {
  current = config ?? singleProcess;
}

export function getRank(): number {
  return current.getRank();
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
