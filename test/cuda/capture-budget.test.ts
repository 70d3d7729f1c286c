/**
 * What a captured update asks of the device: the launch of its graph, copies of the batch into the graph's memory and of the
 * losses out of it, and no wait. `NOETHER_SHOW_COUNTS=1` prints what was counted, by name.
 */
import { cuda } from "../../lib/torch";
import { temporaryFolder } from "../support/small-run";
import { countsOfUpdate } from "./budget-run";
import { describeCounts, testOnFake } from "./device";

const folder = temporaryFolder();
afterAll(() => folder.remove());

const testGraphs = cuda.graphsUnavailableReason() === null ? testOnFake : test.skip;

for (const model of ["ab_upt", "upt", "transformer", "transolver"] as const) {
  for (const precision of ["float32", "bfloat16", "float16"] as const) {
    testGraphs(`a captured update of ${model} in ${precision}`, async () => {
      const counts = await countsOfUpdate(model, precision, folder.path, { capture: true });
      if (process.env.NOETHER_SHOW_COUNTS) console.log(`${model} ${precision}\n${describeCounts(counts)}`);
      expect(counts.byName["launch cudaGraphLaunch"]).toBe(1);
      expect(counts.launches).toBeLessThanOrEqual(2); // the other copies the batch
      // whether the update was left out
      expect(counts.synchronizations).toBeLessThanOrEqual(precision === "float16" ? 1 : 0);
      expect(counts.allocations).toBe(0);
    });
  }
}
