import { countTensors, keep, scope, tensor, type Tensor } from "../../../lib/torch";
import type { BatchTransfer } from "../../../lib/core/device/batch-transfer";
import { moveItemsToDevice } from "../../../lib/core/device/move-items";
import type { Batch } from "../../../lib/core/interfaces/data";
import { BatchesAhead } from "../../../lib/training/trainers/batches-ahead";

/** Numbered batches, `count` of them; what was done is written down. */
function queueOf(count: number, log: string[]) {
  let given = 0;
  return {
    get hasNext() {
      return given < count;
    },
    async next(): Promise<Batch> {
      await Promise.resolve();
      log.push(`load ${given}`);
      return { x: tensor([given++]), __meta_time_load: 0.5 };
    },
  };
}

/** A device whose copies can be told from those that were asked for. */
function transferTo(log: string[]): (device: string) => BatchTransfer {
  return () => ({
    start(batch) {
      log.push("copy");
      const moved = keep(scope(() => moveItemsToDevice("cpu", { ...batch, x: (batch.x as Tensor).clone() })));
      return {
        arrive: () => {
          const x = moved.x!.detach();
          moved.x!.dispose();
          return { x };
        },
        dispose: () => {
          log.push("give up");
          moved.x!.dispose();
        },
      };
    },
  });
}

const value = ({ batch }: { batch: Record<string, Tensor | null> }) => batch.x!.item();

test("where copies gain nothing a batch is loaded when it is asked for", async () => {
  const log: string[] = [];
  const batches = new BatchesAhead(queueOf(2, log));
  await scope(async () => {
    const loaded = await batches.next("cpu");
    expect([value(loaded), loaded.seconds]).toEqual([0, { load: 0.5 }]);
    batches.loadAhead("cpu");
    await new Promise((resolve) => setImmediate(resolve));
    expect(log).toEqual(["load 0"]);
  });
  await batches.close();
});

test("with a transfer the next one is loaded and copied ahead, and none beyond the last", async () => {
  const log: string[] = [];
  const batches = new BatchesAhead(queueOf(3, log), transferTo(log));
  const seen: number[] = [];
  for (let i = 0; i < 3; i++)
    await scope(async () => {
      const loaded = await batches.next("cpu");
      expect(loaded.seconds).toEqual({ load: 0.5 });
      seen.push(value(loaded));
      batches.loadAhead("cpu");
      batches.loadAhead("cpu");
      log.push("computed");
    });
  expect(seen).toEqual([0, 1, 2]);
  expect(log).toEqual(["load 0", "computed", "load 1", "copy", "computed", "load 2", "copy", "computed"]);
});

test("what was loaded ahead outlives the scope of the update, and ends with that of its own", async () => {
  const before = countTensors();
  const batches = new BatchesAhead(queueOf(4, []), transferTo([]));
  for (let i = 0; i < 3; i++)
    await scope(async () => {
      expect(value(await batches.next("cpu"))).toBe(i);
      batches.loadAhead("cpu");
    });
  await batches.close();
  expect(countTensors()).toBe(before);
});

test("an error of loading comes with the batch that it is of", async () => {
  let loads = 0;
  const queue = {
    hasNext: true,
    next: async (): Promise<Batch> => {
      await Promise.resolve();
      if (loads++ > 0) throw new RangeError("no such file");
      return { x: tensor([0]) };
    },
  };
  const batches = new BatchesAhead(queue, transferTo([]));
  await scope(async () => {
    await batches.next("cpu");
    batches.loadAhead("cpu");
  });
  await new Promise((resolve) => setImmediate(resolve));
  await expect(batches.next("cpu")).rejects.toThrow("no such file");
  await batches.close();
});

test("a run that stops gives up what it has loaded ahead", async () => {
  const log: string[] = [];
  const batches = new BatchesAhead(queueOf(3, log), transferTo(log));
  await scope(async () => {
    await batches.next("cpu");
    batches.loadAhead("cpu");
  });
  await batches.close();
  expect(log).toEqual(["load 0", "load 1", "copy", "give up"]);
});
