import { readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { validateConfig } from "../../../lib/config/schema";
import type { BatchOptions } from "../../../lib/core/interfaces/data";
import { drawComparison, Mesh } from "../../../lib/data";
import { readPictures } from "../../../lib/core/runs";
import { keep, scope, tensor, type Tensor } from "../../../lib/torch";
import { FieldPictureCallback, FieldPictureCallbackConfig } from "../../../lib/training";
import { parts } from "../../core/callbacks/support";
import { temporaryFolder } from "../../support/small-run";

let folder: ReturnType<typeof temporaryFolder>;
beforeEach(() => (folder = temporaryFolder()));
afterEach(() => folder.remove());

const rows = (...values: number[][]): Tensor => keep(tensor(values).unsqueeze(0)); // (1, N, C)
/** What the loader gives for sample i. */
const batchOf = (index: number) => ({
  position: rows([0, 0], [1, 0], [0, 1]),
  pressure_target: rows([index], [1], [2]),
  velocity_target: rows([1, 0], [0, 1], [1, 1]),
});
/** Physical value = 2 · normalised value + 1. */
const normalizers = new Map([["pressure", { inverse: (x: Tensor) => x.mul(2).add(1) }]]);

function make(
  config: object = {},
  outputs: object = { pressure: rows([0], [1], [2]), velocity: rows([1, 0], [0, 1], [1, 1]) },
) {
  const loads: BatchOptions[] = [];
  const dataContainer = {
    getDataset: () => ({ length: 3, normalizers }),
    async *getDataLoader(_: object, options: BatchOptions) {
      loads.push(options);
      for (const index of options.sampler!) yield batchOf(index);
    },
  };
  const own = parts({
    outputRootPath: folder.path,
    update: 20,
    dataContainer,
    trainer: { config: { forward_properties: ["position"] }, autocastContext: (run: () => unknown) => run() },
  });
  const inputs: object[] = [];
  own.model.forward = ((given: object) => (inputs.push(given), outputs)) as never;
  const callback = new FieldPictureCallback(
    validateConfig(FieldPictureCallbackConfig, {
      ...{ every_n_updates: 10, dataset_key: "test", fields: { pressure: "position" }, width: 200, height: 160 },
      ...config,
    }),
    own.dependencies,
  );
  const sent: Record<string, Buffer> = {};
  const { tracker } = own.dependencies;
  const log = tracker.logPictures.bind(tracker);
  jest.spyOn(tracker, "logPictures").mockImplementation((pictures, update) => {
    Object.assign(sent, pictures);
    return log(pictures, update);
  });
  const run = async () => scope(async () => callback.periodicCallback(own.context()));
  return { own, callback, inputs, loads, sent, run };
}

test("predicted, true and difference of each sample, stored and given to the tracker", async () => {
  const { own, run, sent, inputs, loads } = make({
    samples: [2, 0],
    fields: { pressure: "position", velocity: "position" },
  });
  await run();
  const sets = await readPictures(own.paths.runOutputPath);
  expect(sets.map(({ name, update, files }) => [name, update, Object.keys(files).sort()])).toEqual(
    ["test/0/pressure", "test/0/velocity", "test/2/pressure", "test/2/velocity"].map((name) => [
      name,
      20,
      ["difference", "predicted", "true"],
    ]),
  );
  expect(Object.keys(sent)).toHaveLength(12);
  expect(sent["test/2/pressure/true"]!.subarray(1, 4).toString()).toBe("PNG");
  expect(inputs.map((each) => Object.keys(each))).toEqual([["position"], ["position"]]);
  // one sample a batch, with random numbers that training does not see
  expect(loads.map(({ batchSize, seed }) => [batchSize, seed])).toEqual([[1, 0n]]);
});

test("values are in physical units", async () => {
  const { run, sent } = make({ samples: [1] });
  await run();
  const expected = drawComparison(
    {
      name: "pressure",
      mesh: new Mesh({ points: Float32Array.of(0, 0, 0, 1, 0, 0, 0, 1, 0) }),
      location: "points",
      predicted: Float32Array.of(1, 3, 5),
      truth: Float32Array.of(3, 3, 5),
    },
    { width: 200, height: 160 },
  );
  for (const [shows, png] of Object.entries(expected)) expect(sent[`test/1/pressure/${shows}`]!.equals(png)).toBe(true);
});

test.each([
  [
    { fields: { pressure: "positions" } },
    {},
    /expected "positions" of shape .* which has position.*did you mean "position"/,
  ],
  [{ fields: { temperature: "position" } }, {}, /expected "temperature" of shape \(1, N, C\) in the model's output/],
  [{}, { pressure: rows([1], [2]) }, /prediction of "pressure" of shape \(3, 1\).*received \(2, 1\)/],
  [{}, { pressure: rows([1, 1], [2, 2], [3, 3]) }, /prediction of "pressure" of shape \(3, 1\).*received \(3, 2\)/],
])("%j is told with what there is", async (config, outputs, message) => {
  const given = Object.keys(outputs).length > 0 ? outputs : undefined;
  await expect(make(config, given).run()).rejects.toThrow(message);
});

test("a sample that the data set lacks is told before training", () => {
  expect(() => make({ samples: [3] })).toThrow(/expected samples below 3, the size of data set "test", received 3/);
});

test("pictures that cannot be stored end no run", async () => {
  const { own, run, sent } = make();
  const warning = jest.spyOn(own.dependencies.tracker.logger, "warning").mockImplementation(() => undefined);
  writeFileSync(own.paths.runOutputPath, "a file in the way of the folder");
  await run();
  expect(warning).toHaveBeenCalledTimes(3);
  expect(Object.keys(sent)).toHaveLength(3);
  expect(readdirSync(join(folder.path))).toEqual(["run"]);
});
