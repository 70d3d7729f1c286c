import type { DeviceBatch } from "../../core/interfaces/data";
import { getLogger } from "../../core/logging";

/** Which entries of a batch go to the model and which to the loss. */
export class BatchKeys {
  #reported = false;

  constructor(
    readonly forward: readonly string[],
    readonly targets: readonly string[],
  ) {}

  /** The parts of a batch. Keys that are missing, and keys that are not used, are reported once. */
  split(batch: DeviceBatch): { forward: DeviceBatch; targets: DeviceBatch } {
    this.#report(batch);
    const pick = (keys: readonly string[]): DeviceBatch =>
      Object.fromEntries(keys.filter((key) => Object.hasOwn(batch, key)).map((key) => [key, batch[key] ?? null]));
    return { forward: pick(this.forward), targets: pick(this.targets) };
  }

  #report(batch: DeviceBatch): void {
    if (this.#reported) return;
    const used = new Set([...this.forward, ...this.targets]);
    const missing = [...used].filter((key) => !Object.hasOwn(batch, key));
    // Every batch tells which samples it is made of.
    const unused = Object.keys(batch).filter((key) => !used.has(key) && key !== "index");
    if (missing.length + unused.length === 0) return;
    this.#reported = true;
    getLogger("BaseTrainer").warning(
      `batches differ from forward_properties and target_properties: missing ${missing.join(", ") || "nothing"}, not used ${unused.join(", ") || "nothing"}`,
    );
  }
}
