import { getLogger } from "../../core/logging";
import { NoSourceError } from "../factory/dataset-source";
import { fairCpuCount } from "./cpu-count";
import { WorkerPool } from "./worker-pool";
import { checkSource, type WorkerSource } from "./worker-thread";

/** Without a number of workers: at most so many, since each of them makes the data sets again. */
const MOST = 4;
/** Without a number of workers they start after so many batches in a row which took the process itself longer than that. */
const SLOW = { batches: 3, seconds: 0.005 };

/** The workers of a container: as many as are asked for, or as many as seem useful. */
export class WorkerDemand {
  #pool: WorkerPool | null = null;
  #slow = 0;
  /** Data sets that no worker can make, which was told. */
  readonly #here = new WeakSet<object>();

  /** @param count - null: {@link fairCpuCount}, where loading takes time */
  constructor(readonly count: number | null) {}

  /**
   * The workers that load a data set; null: the process itself loads it.
   *
   * @throws NoSourceError when workers are asked for and cannot make the data set
   */
  pool(source: WorkerSource): WorkerPool | null {
    if (this.count === 0 || this.#here.has(source.dataset)) return null;
    if (this.count === null && (this.#slow < SLOW.batches || !this.#canMake(source))) return null;
    const size = this.count ?? Math.min(fairCpuCount(), MOST);
    if (size === 0) return null;
    if (this.#pool === null || this.#pool.failed) this.#pool = new WorkerPool(size);
    return this.#pool;
  }

  /** Notes how long the process itself took to load a batch. */
  note(seconds: number): void {
    if (this.#slow < SLOW.batches) this.#slow = seconds > SLOW.seconds ? this.#slow + 1 : 0;
  }

  #canMake(source: WorkerSource): boolean {
    try {
      checkSource(source);
      return true;
    } catch (error) {
      if (!(error instanceof NoSourceError)) throw error;
      this.giveUp(source.dataset, error);
      return false;
    }
  }

  /** Leaves a data set to the process itself, unless workers are asked for; returns whether it does. The reason is told once. */
  giveUp(dataset: object, { message }: NoSourceError): boolean {
    if (this.count !== null) return false;
    if (!this.#here.has(dataset))
      getLogger("DataContainer").info(`samples are loaded in the process that uses them: ${message}`);
    this.#here.add(dataset);
    return true;
  }

  async close(): Promise<void> {
    const pool = this.#pool;
    this.#pool = null;
    await pool?.close();
  }
}
