import "../../../lib/modeling";
import { join } from "node:path";
import { loadRun, type TrainedRun } from "../../../lib/inference";
import {
  Collator,
  DefaultCollator,
  MultiStagePipeline,
  PointSamplingSampleProcessor,
  RenameKeysSampleProcessor,
  type BatchMap,
} from "../../../lib/data";
import {
  countTensors,
  inferenceMode,
  getNumThreads,
  manualSeed,
  rand,
  scope,
  setNumThreads,
  type Tensor,
} from "../../../lib/torch";
import type { PredictedField } from "../../../lib/inference";
import { collectGarbage } from "../../support/collect-garbage";
import { airfoilCase, trainAirfoil } from "../../support/airfoil-run";
import { temporaryFolder } from "../../support/small-run";
import { goldenCase, writeStoredRun } from "../../support/stored-run";

// small products gain nothing from threads
const threads = getNumThreads();
beforeAll(() => setNumThreads(1));
afterAll(() => setNumThreads(threads));
const folder = temporaryFolder();
afterAll(() => folder.remove());

/** The first sample of a batch (B, N, C). */
const first = (batch: Tensor) => batch.select(0, 0);

/** Largest difference relative to the largest value of the truth (N, C). */
function error(field: PredictedField | undefined, truth: Tensor): number {
  const expected = truth.to("float64").contiguous().dataSync() as Float64Array;
  if (field?.values.length !== expected.length) return Infinity;
  const scale = Math.max(...expected.map(Math.abs));
  return Math.max(...expected.map((value, i) => Math.abs(value - field.values[i]!))) / scale;
}

/** A pipeline whose batches hold what is given beside the entries of the sample that it stacks. */
class Given extends Collator {
  constructor(
    private readonly fixed: BatchMap,
    private readonly stacked: Readonly<Record<string, string>> = {},
  ) {
    super();
  }
  override collate([sample]: readonly Record<string, unknown>[]): BatchMap {
    const own = Object.entries(this.stacked).map(([key, from]) => [key, (sample![from] as Tensor).unsqueeze(0)]);
    return { ...Object.fromEntries(own), ...this.fixed };
  }
}

describe("release 2026.4 of the Python framework, against its numbers in double precision", () => {
  test("AB-UPT: the points are queries of the anchors", async () => {
    const golden = goldenCase("aero_ab_upt");
    const { input, output64 } = golden;
    const forward = Object.keys(input);
    const path = writeStoredRun(join(folder.path, "ab_upt"), golden, { forward });
    const geometry = input["geometry_batch_idx"]!.eq(0).nonzero().squeeze(1);
    const pipeline = new Given(
      {
        geometry_position: input["geometry_position"]!.indexSelect(0, geometry),
        geometry_supernode_idx: input["geometry_supernode_idx"]!.narrow(0, 0, 6),
        geometry_batch_idx: input["geometry_batch_idx"]!.indexSelect(0, geometry),
        surface_anchor_position: input["surface_anchor_position"]!.narrow(0, 0, 1),
        volume_anchor_position: input["volume_anchor_position"]!.narrow(0, 0, 1),
      },
      { inflow_design_parameters: "inflow_design_parameters" },
    );
    using run = await loadRun(path, { pipeline, normalizers: null });
    const inputs = {
      surface_position: first(input["query_surface_position"]!),
      volume_position: first(input["volume_anchor_position"]!),
      inflow_design_parameters: first(input["inflow_design_parameters"]!),
    };
    for (const chunkSize of [undefined, 2]) {
      const fields = await run.predict(inputs, chunkSize === undefined ? {} : { chunkSize });
      expect(error(fields["surface_pressure"], first(output64["query_surface_pressure"]!))).toBeLessThan(1e-5);
      expect(error(fields["surface_friction"], first(output64["query_surface_friction"]!))).toBeLessThan(1e-5);
    }
  });

  test("AB-UPT in float64: its fields are those numbers", async () => {
    const golden = goldenCase("aero_ab_upt");
    const { input, output64 } = golden;
    const path = writeStoredRun(join(folder.path, "double"), golden, { forward: Object.keys(input) });
    const geometry = input["geometry_batch_idx"]!.eq(0).nonzero().squeeze(1);
    const pipeline = new Given(
      {
        geometry_position: input["geometry_position"]!.indexSelect(0, geometry).double(),
        geometry_supernode_idx: input["geometry_supernode_idx"]!.narrow(0, 0, 6),
        geometry_batch_idx: input["geometry_batch_idx"]!.indexSelect(0, geometry),
        surface_anchor_position: input["surface_anchor_position"]!.narrow(0, 0, 1).double(),
        volume_anchor_position: input["volume_anchor_position"]!.narrow(0, 0, 1).double(),
      },
      { inflow_design_parameters: "inflow_design_parameters" },
    );
    using run = await loadRun(path, { pipeline, normalizers: null, dtype: "float64" });
    const inputs = {
      surface_position: first(input["query_surface_position"]!),
      volume_position: first(input["volume_anchor_position"]!),
      inflow_design_parameters: first(input["inflow_design_parameters"]!),
    };
    for (const chunkSize of [16384, 2]) {
      const fields = await run.predict(inputs, { chunkSize });
      for (const name of ["surface_pressure", "surface_friction"]) {
        expect(fields[name]!.values).toBeInstanceOf(Float64Array);
        expect([name, error(fields[name], first(output64[`query_${name}`]!)) < 1e-9]).toEqual([name, true]);
      }
    }
  });

  test.each(["aero_upt", "aero_transformer"])("%s in float64: its fields are those numbers", async (name) => {
    const golden = goldenCase(name);
    const { input, output64 } = golden;
    const path = writeStoredRun(join(folder.path, `${name}_double`), golden, { forward: Object.keys(input) });
    const isUpt = name === "aero_upt";
    const points = input["surface_position_batch_idx"]?.eq(0).nonzero().squeeze(1);
    const pipeline = isUpt
      ? new Given({
          surface_position: input["surface_position"]!.indexSelect(0, points!).double(),
          surface_position_batch_idx: input["surface_position_batch_idx"]!.indexSelect(0, points!),
          surface_position_supernode_idx: input["surface_position_supernode_idx"]!.narrow(0, 0, 6),
        })
      : null;
    using run = await loadRun(path, { pipeline, normalizers: null, dtype: "float64" });
    const key = isUpt ? "query_position" : "position";
    const fields = await run.predict({
      surface_position: first(input[`surface_${key}`]!),
      volume_position: first(input[`volume_${key}`]!),
    });
    for (const [field, truth] of Object.entries(output64))
      expect([field, error(fields[field], first(truth)) < 1e-9]).toEqual([field, true]);
  });

  test("UPT: geometry as the pipeline has it, all points as queries", async () => {
    const golden = goldenCase("aero_upt");
    const { input, output64 } = golden;
    const path = writeStoredRun(join(folder.path, "upt"), golden, { forward: Object.keys(input) });
    const points = input["surface_position_batch_idx"]!.eq(0).nonzero().squeeze(1);
    const pipeline = new Given({
      surface_position: input["surface_position"]!.indexSelect(0, points),
      surface_position_batch_idx: input["surface_position_batch_idx"]!.indexSelect(0, points),
      surface_position_supernode_idx: input["surface_position_supernode_idx"]!.narrow(0, 0, 6),
    });
    using run = await loadRun(path, { pipeline, normalizers: null });
    const inputs = {
      surface_position: first(input["surface_query_position"]!),
      volume_position: first(input["volume_query_position"]!),
    };
    for (const chunkSize of [16384, 3]) {
      const fields = await run.predict(inputs, { chunkSize });
      for (const [name, truth] of Object.entries(output64))
        expect([name, error(fields[name], first(truth)) < 1e-5]).toEqual([name, true]);
    }
  });

  test("Transformer: all points as one sample", async () => {
    const golden = goldenCase("aero_transformer");
    const { input, output64 } = golden;
    const path = writeStoredRun(join(folder.path, "transformer"), golden, { forward: Object.keys(input) });
    using run = await loadRun(path, { pipeline: null, normalizers: null });
    const fields = await run.predict({
      surface_position: first(input["surface_position"]!),
      volume_position: first(input["volume_position"]!),
    });
    for (const [name, truth] of Object.entries(output64))
      expect([name, error(fields[name], first(truth)) < 1e-5]).toEqual([name, true]);
  });

  test("where the points see each other, groups of the size of training cover all of them, each in its place", async () => {
    const golden = goldenCase("aero_transformer");
    const targets = ["surface_pressure_target", "volume_velocity_target", "volume_vorticity_target"];
    const path = writeStoredRun(join(folder.path, "groups"), golden, {
      forward: ["surface_position", "volume_position"],
      targets,
    });
    const sampling = (domain: string, fields: string[], num_points: number) =>
      new PointSamplingSampleProcessor({ items: [`${domain}_position`, ...fields], num_points });
    const key_map = Object.fromEntries(targets.map((name) => [name.replace("_target", ""), name]));
    const pipeline = new MultiStagePipeline({
      sample_processors: [
        sampling("surface", ["surface_pressure"], 4),
        sampling("volume", ["volume_velocity", "volume_vorticity"], 3),
        new RenameKeysSampleProcessor({ key_map }),
      ],
      collators: [new DefaultCollator({ items: ["surface_position", "volume_position", ...targets] })],
    });
    using run = await loadRun(path, { pipeline, normalizers: null });
    // what a point gets must be what the model gives for the positions of its group: the model is replaced by one that tells the position
    run.model.forward = (({ surface_position, volume_position }: Record<string, Tensor>) => ({
      surface_pressure: surface_position!.narrow(-1, 0, 1),
      volume_velocity: volume_position!,
      volume_vorticity: volume_position!.narrow(-1, 0, 2),
    })) as never;
    const surface = rand([10, 3]);
    const volume = rand([23, 3]);
    const sizes: number[] = [];
    const fields = await run.predict(
      { surface_position: surface, volume_position: volume },
      { onProgress: ({ done, total }) => void sizes.push(done, total) },
    );
    expect(error(fields["volume_velocity"], volume)).toBe(0);
    expect(error(fields["surface_pressure"], surface.narrow(1, 0, 1))).toBe(0);
    expect(sizes.slice(-2)).toEqual([33, 33]);
    expect(sizes).toHaveLength(2 * Math.ceil(23 / 3));
  });
});

describe("a run of ours", () => {
  let run: TrainedRun;
  beforeAll(async () => {
    run = await loadRun(await trainAirfoil(folder.path));
  }, 60_000);
  afterAll(() => run.dispose());

  /** What the model and the normalizers of the run give for a batch of the pipeline, all points as queries. */
  const direct = (name: string, inputs: Record<string, Tensor>) =>
    scope(() => {
      const scaled = Object.entries(inputs).map(
        ([key, value]) => [key, run.data.normalizerOf(key)?.apply(value) ?? value] as const,
      );
      manualSeed(0);
      const batch = run.data.pipeline.collate([{ index: 0, ...Object.fromEntries(scaled) }]);
      const fields = inferenceMode(() => run.model.forward(batch as never)) as Record<string, Tensor>;
      return run.data.normalizerOf(name)!.inverse(fields[`query_${name}`]!.squeeze(0));
    });

  test.each(["surface_pressure", "volume_velocity", "volume_pressure"])(
    "%s is what the pipeline, the model and the normalizers give",
    async (name) => {
      const inputs = airfoilCase(0);
      expect(error((await run.predict(inputs))[name], direct(name, inputs))).toBeLessThan(1e-5);
    },
  );

  test("chunks change nothing but the progress", async () => {
    const whole = await run.predict(airfoilCase(2));
    const progress: number[] = [];
    const chunked = await run.predict(airfoilCase(2), {
      chunkSize: 1000,
      onProgress: ({ done }) => void progress.push(done),
    });
    expect(progress).toEqual([160, 1160, 2160, 3160, 3232]);
    for (const [name, { values, shape }] of Object.entries(whole)) {
      expect(chunked[name]!.shape).toEqual(shape);
      expect(Math.max(...values.map((value, i) => Math.abs(value - chunked[name]!.values[i]!)))).toBeLessThan(1e-5);
    }
  });

  test("inputs may be tensors, typed arrays and lists; fields that are to be predicted do not matter", async () => {
    const { surface_position, volume_position, inflow_design_parameters, ...truth } = airfoilCase(3);
    const expected = await run.predict({
      ...truth,
      surface_position: surface_position!,
      volume_position: volume_position!,
      inflow_design_parameters: inflow_design_parameters!,
    });
    const numbers = volume_position!.dataSync() as Float32Array;
    const fields = await run.predict({
      surface_position: surface_position!.toArray() as number[][],
      volume_position: { values: Float64Array.from(numbers), shape: [numbers.length / 2, 2] },
      inflow_design_parameters: inflow_design_parameters!.dataSync() as Float32Array,
    });
    expect(fields).toEqual(expected);
    expect(
      await run.predict({
        surface_position: surface_position!,
        volume_position: numbers,
        inflow_design_parameters: inflow_design_parameters!,
      }),
    ).toEqual(expected);
  });

  test("another seed chooses other anchors", async () => {
    // the pipeline of this run has a seed of its own; one without takes that of the prediction
    using unseeded = await loadRun(run.identity.folder, { dataset: "train" });
    const predict = async (seed: number) =>
      (await unseeded.predict(airfoilCase(0), { seed }))["surface_pressure"]!.values;
    const [a, again, b] = [await predict(1), await predict(1), await predict(2)];
    expect(again).toEqual(a);
    expect(b).not.toEqual(a);
  });

  test.each([
    [
      "nothing",
      {},
      /expected the inputs surface_position, volume_position, inflow_design_parameters, got nothing; missing/,
    ],
    ["one missing", { surface_position: [[0, 0]], volume_position: [[0, 0]] }, /missing: inflow_design_parameters/],
    [
      "a misspelt one",
      { ...airfoilCase(0), surface_positon: [0] },
      /"surface_positon" is no input of this run; did you mean "surface_position"/,
    ],
    [
      "another dimension",
      { ...airfoilCase(0), surface_position: rand([5, 3]) },
      /"surface_position": expected shape \(N, 2\), got \(5, 3\)/,
    ],
    [
      "a condition of another length",
      { ...airfoilCase(0), inflow_design_parameters: [1] },
      /expected shape \(2\), got \(1\)/,
    ],
    ["NaN", { ...airfoilCase(0), inflow_design_parameters: [1, NaN] }, /expected finite numbers/],
    ["no points", { ...airfoilCase(0), surface_position: rand([0, 2]) }, /expected at least one point/],
    [
      "text",
      { ...airfoilCase(0), inflow_design_parameters: "fast" as never },
      /"inflow_design_parameters": expected numbers/,
    ],
    [
      "points outside of the box",
      { ...airfoilCase(0), volume_position: [[50, 0]] },
      /between raw_pos_min and raw_pos_max/,
    ],
  ])("%s is an error that says what is expected", async (_, inputs, expected) => {
    await expect(run.predict(inputs as never)).rejects.toThrow(expected);
  });

  test.each([0, 1.5, -1])("chunkSize %s is refused", async (chunkSize) => {
    await expect(run.predict(airfoilCase(0), { chunkSize })).rejects.toThrow(
      "chunkSize: expected a whole number from 1",
    );
  });

  test("a signal stops between two chunks, and the run goes on working", async () => {
    const controller = new AbortController();
    const inputs = airfoilCase(0);
    await collectGarbage();
    const before = countTensors();
    const stopped = run.predict(inputs, {
      chunkSize: 100,
      signal: controller.signal,
      onProgress: ({ done }) => {
        if (done > 500) controller.abort(new Error("enough"));
      },
    });
    await expect(stopped).rejects.toThrow("enough");
    await expect(run.predict(inputs, { signal: AbortSignal.abort() })).rejects.toThrow(/abort/i);
    await collectGarbage();
    expect(countTensors()).toBeLessThanOrEqual(before);
    expect((await run.predict(airfoilCase(0)))["surface_pressure"]!.shape).toEqual([160]);
  });

  test("several predictions at a time do not see each other", async () => {
    const alone = [await run.predict(airfoilCase(0)), await run.predict(airfoilCase(1))];
    const together = await Promise.all([0, 1].map((i) => run.predict(airfoilCase(i), { chunkSize: 500 })));
    alone.forEach((fields, i) =>
      fields["volume_pressure"]!.values.forEach((value, j) =>
        expect(together[i]!["volume_pressure"]!.values[j]).toBeCloseTo(value, 4),
      ),
    );
  });

  describe("several cases at a time", () => {
    const forwards = async (work: () => Promise<unknown>): Promise<number> => {
      const spy = jest.spyOn(run.model, "forward");
      await work();
      const { length } = spy.mock.calls;
      spy.mockRestore();
      return length;
    };
    const small = (index: number) => {
      const { surface_position, volume_position, inflow_design_parameters } = airfoilCase(index);
      return {
        surface_position: surface_position!,
        volume_position: volume_position!.narrow(0, 0, 300),
        inflow_design_parameters: inflow_design_parameters!,
      };
    };
    const difference = (a: Record<string, PredictedField>, b: Record<string, PredictedField>): number =>
      Math.max(
        ...Object.entries(a).map(([name, { values }]) =>
          Math.max(...values.map((value, i) => Math.abs(value - b[name]!.values[i]!))),
        ),
      );

    test.each(["test", "train"])(
      "are one batch, with the fields that each has alone (%s: with a seed of its own or without)",
      async (dataset) => {
        using other = await loadRun(run.identity.folder, { dataset });
        const cases = [0, 1, 2].map(small);
        const spy = jest.spyOn(other.model, "forward");
        const together = await other.predictAll(cases, { seed: 3 });
        expect(spy).toHaveBeenCalledTimes(1);
        for (const [i, inputs] of cases.entries()) {
          const result = together[i] as PromiseFulfilledResult<Record<string, PredictedField>>;
          expect(difference(await other.predict(inputs, { seed: 3 }), result.value)).toBeLessThan(1e-5);
        }
      },
    );

    test("are computed one by one where their shapes differ, a chunk is too small for all, or they are large", async () => {
      const [a, b] = [small(0), small(1)];
      const shorter = { ...b, volume_position: b.volume_position.narrow(0, 0, 100) };
      expect(await forwards(async () => run.predictAll([a, shorter], {}))).toBe(2);
      expect(await forwards(async () => run.predictAll([a, b], { chunkSize: 600 }))).toBe(2);
      expect(await forwards(async () => run.predictAll([airfoilCase(0), airfoilCase(1)], {}))).toBe(2);
      expect(await forwards(async () => run.predictAll([a, b], {}))).toBe(1);
    });

    test("one that does not fit fails alone", async () => {
      const outside = { ...small(1), volume_position: small(1).volume_position.add(50) };
      const results = await run.predictAll([small(0), outside, {}], {});
      expect(results.map(({ status }) => status)).toEqual(["fulfilled", "rejected", "rejected"]);
      expect(String((results[1] as PromiseRejectedResult).reason)).toContain("raw_pos_max");
      expect(String((results[2] as PromiseRejectedResult).reason)).toContain("expected the inputs");
    });
  });

  test("no tensors are left after a prediction", async () => {
    const inputs = airfoilCase(0);
    await collectGarbage();
    const before = countTensors();
    for (let i = 0; i < 20; i++) await run.predict(inputs);
    await collectGarbage();
    expect(countTensors()).toBeLessThanOrEqual(before);
  });

  test("a disposed run says so", async () => {
    const other = await loadRun(run.identity.folder);
    other.dispose();
    await expect(other.predict(airfoilCase(0))).rejects.toThrow("was disposed");
  });
});
