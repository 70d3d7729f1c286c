import type { DeviceBatch } from "../../core/interfaces/data";
import { ValueError } from "../../config/python-errors";
import { getLogger } from "../../core/logging";

/** Which entries of a batch go to the model and which to the loss. */
export class BatchKeys {
  #reported = false;

  /** @param optional - keys of `forward` that a batch may lack: the model does without them */
  constructor(
    readonly forward: readonly string[],
    readonly targets: readonly string[],
    readonly optional: readonly string[] = [],
  ) {}

  /**
   * The parts of a batch. Keys that are not used are noted once, at debug level.
   *
   * @throws ValueError when the batch lacks a key
   */
  split(batch: DeviceBatch): { forward: DeviceBatch; targets: DeviceBatch } {
    this.#check(batch);
    const pick = (keys: readonly string[]): DeviceBatch =>
      Object.fromEntries(keys.filter((key) => Object.hasOwn(batch, key)).map((key) => [key, batch[key] ?? null]));
    return { forward: pick(this.forward), targets: pick(this.targets) };
  }

  #check(batch: DeviceBatch): void {
    const lacks = (keys: readonly string[]): string[] =>
      keys.filter((key) => !Object.hasOwn(batch, key) && !this.optional.includes(key));
    const problems = Object.entries({ forward_properties: this.forward, target_properties: this.targets }).flatMap(
      ([name, keys]) => {
        const missing = lacks(keys);
        return missing.length === 0 ? [] : [`${missing.map((key) => `'${key}'`).join(", ")} of ${name}`];
      },
    );
    if (problems.length > 0) {
      throw new ValueError(
        `batches lack ${problems.join(" and ")}; they hold ${Object.keys(batch).sort().join(", ")}: ` +
          "give the data set a getter or its pipeline a step that makes them, or take them off the list",
      );
    }
    if (this.#reported) return;
    this.#reported = true;
    const used = new Set([...this.forward, ...this.targets]);
    const unused = Object.keys(batch).filter((key) => !used.has(key));
    if (unused.length > 0) getLogger("BaseTrainer").debug(`entries of batches that are not used: ${unused.join(", ")}`);
  }
}
