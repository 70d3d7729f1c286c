import { scope } from "../../torch";
import { type BatchTransfer, batchTransfer, type MovingBatch } from "../../core/device/batch-transfer";
import { moveItemsToDevice } from "../../core/device/move-items";
import type { Batch, DeviceBatch } from "../../core/interfaces/data";

/** Where {@link BatchesAhead} takes batches from. */
export interface BatchQueue {
  next(): Promise<Batch>;
  /** Whether another batch follows in this epoch of the run. */
  readonly hasNext: boolean;
}

/** A batch on its device, and its timings. */
export interface LoadedBatch {
  readonly batch: DeviceBatch;
  /** Seconds by what they were spent on, from the `__meta_time_` entries of the batch. */
  readonly seconds: Readonly<Record<string, number>>;
}

/**
 * The batches of training on the model's device. On a GPU the next batch is loaded and copied while the device works on the one before;
 * on the CPU each is loaded when it is asked for.
 */
export class BatchesAhead {
  readonly #queue: BatchQueue;
  readonly #transferTo: (device: string) => BatchTransfer | null;
  #transfer: { readonly device: string; readonly way: BatchTransfer | null } | null = null;
  #ahead: Promise<{ readonly moving: MovingBatch; readonly seconds: LoadedBatch["seconds"] }> | null = null;

  constructor(queue: BatchQueue, transferTo = batchTransfer) {
    this.#queue = queue;
    this.#transferTo = transferTo;
  }

  /** The next batch; its tensors belong to the scope of the call. */
  async next(device: string): Promise<LoadedBatch> {
    const ahead = this.#ahead;
    this.#ahead = null;
    if (ahead !== null) {
      const { moving, seconds } = await ahead;
      return { batch: moving.arrive(), seconds };
    }
    const loaded = await this.#queue.next();
    return { batch: moveItemsToDevice(device, loaded), seconds: secondsOf(loaded) };
  }

  /** Begins with the next batch, where that is of use: to be called when the device has its work. Errors come with {@link next}. */
  loadAhead(device: string): void {
    const way = this.#wayTo(device);
    if (way === null || this.#ahead !== null || !this.#queue.hasNext) return;
    this.#ahead = scope(async () => {
      const loaded = await this.#queue.next();
      return { moving: way.start(loaded), seconds: secondsOf(loaded) };
    });
    this.#ahead.catch(() => undefined);
  }

  /** Gives up what was loaded ahead. */
  async close(): Promise<void> {
    const ahead = this.#ahead;
    this.#ahead = null;
    await ahead?.then(
      ({ moving }) => moving.dispose(),
      () => undefined,
    );
  }

  #wayTo(device: string): BatchTransfer | null {
    if (this.#transfer?.device !== device) this.#transfer = { device, way: this.#transferTo(device) };
    return this.#transfer.way;
  }
}

function secondsOf(batch: Batch): Record<string, number> {
  const prefix = "__meta_time_";
  return Object.fromEntries(
    Object.entries(batch)
      .filter(([key]) => key.startsWith(prefix))
      .map(([key, value]) => [key.slice(prefix.length), Number(value)]),
  );
}
