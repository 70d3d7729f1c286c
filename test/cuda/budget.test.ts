/**
 * What an update may ask of the device, once training is warm. A number that grows is a regression; one that shrinks is written
 * here. `NOETHER_SHOW_COUNTS=1` prints what was counted, by name.
 */
import { temporaryFolder } from "../support/small-run";
import { countsOfUpdate } from "./budget-run";
import { describeCounts, testOnFake } from "./device";

/** Most launches of an update of a golden case; with kernels of our own for CUDA (`native/src/cuda`) it takes fewer. */
const LAUNCHES = {
  ab_upt: { float32: 899, bfloat16: 1388, float16: 1397 },
  upt: { float32: 268, bfloat16: 457, float16: 466 },
  transformer: { float32: 244, bfloat16: 373, float16: 382 },
  transolver: { float32: 195, bfloat16: 299, float16: 308 },
};
/** Tensors of a batch: each is one copy. */
const BATCH_TENSORS = { ab_upt: 5, upt: 4, transformer: 2, transolver: 1 };
/** What a GradScaler reads back to know whether to step. */
const SCALER_READS = 1;

const folder = temporaryFolder();
afterAll(() => folder.remove());

for (const model of ["ab_upt", "upt", "transformer", "transolver"] as const) {
  for (const precision of ["float32", "bfloat16", "float16"] as const) {
    testOnFake(`an update of ${model} in ${precision}`, async () => {
      const counts = await countsOfUpdate(model, precision, folder.path);
      if (process.env.NOETHER_SHOW_COUNTS) console.log(`${model} ${precision}\n${describeCounts(counts)}`);
      const reads = precision === "float16" ? SCALER_READS : 0;
      expect(counts.synchronizations).toBeLessThanOrEqual(reads);
      expect(counts.copies).toBeLessThanOrEqual(BATCH_TENSORS[model] + reads);
      expect(counts.pageableCopies).toBe(0);
      expect(counts.allocations).toBe(0);
      expect(counts.launches).toBeLessThanOrEqual(LAUNCHES[model][precision]);
      expect(counts.launches).toBeGreaterThan(LAUNCHES[model][precision] / 5); // something ran
    });
  }
}

testOnFake("to log every loss of every update takes one read an update", async () => {
  const counts = await countsOfUpdate("ab_upt", "float32", folder.path, { logEveryUpdate: true });
  expect(counts.synchronizations).toBe(1);
  expect(counts.copies).toBe(BATCH_TENSORS.ab_upt + 1);
});
