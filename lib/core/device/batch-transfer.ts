import { cuda, keep, scope, type Tensor } from "../../torch";
import type { Batch, DeviceBatch } from "../interfaces/data";
import { deviceType } from "./precision";
import { moveItemsToDevice } from "./move-items";

/** A batch on its way to a device. Its tensors are kept until one of the two is called. */
export interface MovingBatch {
  /** The batch, for work of the current stream from here on; its tensors belong to the open scope. The host does not wait. */
  arrive(): DeviceBatch;
  /** Gives the batch up. */
  dispose(): void;
}

/** Copies batches to a device beside what the device computes. */
export interface BatchTransfer {
  start(batch: Batch): MovingBatch;
}

/** The transfer to a device; null where copies gain nothing from running ahead, as on the CPU. */
export function batchTransfer(device: string): BatchTransfer | null {
  return deviceType(device) === "cuda" ? new CudaTransfer(device) : null;
}

/** Copies on a stream of its own, from page-locked memory. */
class CudaTransfer implements BatchTransfer {
  readonly #device: string;
  readonly #stream: cuda.Stream;

  constructor(device: string) {
    this.#device = device;
    this.#stream = new cuda.Stream({ device });
  }

  start(batch: Batch): MovingBatch {
    const stream = this.#stream;
    const moved = keep(scope(() => cuda.withStream(stream, () => moveItemsToDevice(this.#device, batch))));
    const copied = stream.recordEvent();
    const dispose = (): void => {
      for (const tensor of Object.values(moved)) tensor?.dispose();
    };
    return {
      arrive() {
        const current = cuda.currentStream(stream.device);
        copied.wait(current);
        const arrived = Object.entries(moved).map(([key, tensor]): [string, Tensor | null] => {
          // The memory belongs to the copying stream: it must not come to the next batch while the current stream reads it.
          tensor?.recordStream(current);
          return [key, tensor?.detach() ?? null];
        });
        dispose();
        return Object.fromEntries(arrived);
      },
      dispose,
    };
  }
}
