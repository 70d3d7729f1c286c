import "../../../lib/data";
import type { DeviceBatch } from "../../../lib/core/interfaces/data";
import { tensor, zeros, type Tensor } from "../../../lib/torch";
import {
  SurfaceVolumeEvaluationMetricsCallback,
  SurfaceVolumeEvaluationMetricsCallbackConfig,
} from "../../../lib/training";
import { findKind } from "../../../lib/config/registry";
import { validateConfig } from "../../../lib/config/schema";
import { parts } from "../../core/callbacks/support";

/** Physical value = 2 · normalised value + 1. */
const normalizers = new Map([["surface_pressure", { inverse: (x: Tensor) => x.mul(2).add(1) }]]);
const column = (...values: number[]): Tensor => tensor(values).reshape([1, values.length, 1]);

const CONFIG = { every_n_epochs: 1, dataset_key: "test", forward_properties: ["x"] };
const CHUNKED = { chunked_inference: true, chunk_properties: ["x"], chunk_size: 2, sample_size_property: "x" };

function make(config: object = {}, forward = ({ x }: Record<string, Tensor>) => ({ surface_pressure: x! }) as object) {
  let autocasts = 0;
  const calls: Record<string, Tensor>[] = [];
  const autocastContext = (body: () => unknown) => (autocasts++, body());
  const own = parts({ trainer: { autocastContext } });
  own.model.forward = ((inputs: Record<string, Tensor>) => (calls.push(inputs), forward(inputs))) as never;
  const callback = new SurfaceVolumeEvaluationMetricsCallback(
    validateConfig(SurfaceVolumeEvaluationMetricsCallbackConfig, { ...CONFIG, ...config }),
    { ...own.dependencies, dataContainer: { getDataset: () => ({ length: 1, normalizers }) } as never },
  );
  const metrics = async (batch: DeviceBatch) =>
    Object.fromEntries(
      Object.entries(await callback.processData(batch)).map(([name, value]) => [name, Number(value.item())]),
    );
  return { own, callback, calls, metrics, autocasts: () => autocasts };
}

test("errors in physical units", async () => {
  const { metrics, calls, autocasts } = make();
  // physical: predictions 3, 5, 7, targets 1, 5, 11: errors 2, 0, -4
  const batch = { x: column(1, 2, 3), other: column(1), surface_pressure_target: column(0, 2, 5) };
  const {
    surface_pressure_mse: mse,
    surface_pressure_mae: mae,
    surface_pressure_l2err: l2,
    ...rest
  } = await metrics(batch);
  expect(mse).toBeCloseTo(20 / 3, 5);
  expect(mae).toBeCloseTo(2, 6);
  expect(l2).toBeCloseTo(Math.sqrt(20 / (1 + 25 + 121)), 6);
  expect([rest, Object.keys(calls[0]!), autocasts()]).toEqual([{}, ["x"], 1]);
});

test("fields that the batch or the outputs lack have no errors", async () => {
  const { metrics } = make();
  expect(await metrics({ x: column(1), volume_velocity_target: column(1) })).toEqual({});
});

test("chunks: the last has the rest, other inputs go whole into each", async () => {
  const batch = { x: column(1, 2, 3, 4, 5), g: column(7, 8, 9), surface_pressure_target: column(1, 2, 3, 4, 6) };
  const { metrics, calls } = make({ ...CHUNKED, forward_properties: ["x", "g"] });
  const result = await metrics(batch);
  expect(calls.map(({ x, g }) => [x!.size(1), g!.size(1)])).toEqual([
    [2, 3],
    [2, 3],
    [1, 3],
  ]);
  // one error of 2 among five points
  expect(result["surface_pressure_mse"]).toBeCloseTo(4 / 5, 6);
});

test("chunks: fewer points than one chunk, and a target of more points", async () => {
  const { metrics, calls } = make({ ...CHUNKED, chunk_size: 100 });
  const result = await metrics({ x: column(1, 2), surface_pressure_target: column(1, 3, 50) });
  expect([calls.length, result["surface_pressure_mae"]]).toEqual([1, 1]);
});

test("means over the samples; a zero target has no relative error and hides none", async () => {
  const { own, callback, metrics } = make();
  // physical 0 is normalised -0.5
  const zero = await metrics({ x: column(0), surface_pressure_target: column(-0.5) });
  expect(zero["surface_pressure_mse"]).toBe(1);
  const one = await metrics({ x: column(1), surface_pressure_target: column(0) });
  const all = Object.fromEntries(Object.keys(one).map((name) => [name, tensor([zero[name]!, one[name]!])]));
  callback.processResults(all);
  const cache = own.writer.logCache as Record<string, number>;
  expect(cache).toMatchObject({
    "loss/test/surface_pressure_mse": 2.5,
    "loss/test/surface_pressure_mae": 1.5,
    "loss/test/surface_pressure_l2err": 2,
  });
});

test("a prediction that diverged shows", async () => {
  const { own, callback } = make();
  callback.processResults({ surface_pressure_l2err: tensor([NaN, 1]) });
  expect((own.writer.logCache as Record<string, number>)["loss/test/surface_pressure_l2err"]).toBeNaN();
});

test.each([
  [
    "no normalizer",
    () => ({ volume_pressure: column(1) }),
    /data set 'test' has no normalizer "volume_pressure"; it has: surface_pressure/,
  ],
  ["another shape", () => ({ surface_pressure: zeros([1, 3, 1]) }), /of shape \[1, 1, 1\], received \[1, 3, 1\]/],
])("%s is an error", async (_name, forward, message) => {
  const { metrics } = make({}, forward);
  const batch = { x: column(1), surface_pressure_target: column(1), volume_pressure_target: column(1) };
  await expect(metrics(batch)).rejects.toThrow(message);
});

test("chunk properties that the model does not get are an error", async () => {
  const { metrics } = make({ ...CHUNKED, chunk_properties: ["y"] });
  await expect(metrics({ x: column(1) })).rejects.toThrow(/expected "y" of shape \(1, N, …\)/);
});

test.each([
  [{ batch_size: 2 }, /batch_size: expected 1, received 2/],
  [{ forward_properties: [] }, /forward_properties: expected the batch keys/],
  [{ ...CHUNKED, chunk_properties: [] }, /chunk_properties: chunked_inference needs/],
  [{ ...CHUNKED, chunk_size: null }, /chunk_size: chunked_inference needs/],
  [{ ...CHUNKED, sample_size_property: null }, /sample_size_property: chunked_inference needs/],
])("%j is refused", (config, message) => {
  expect(() => make(config)).toThrow(message);
});

test("is found by its kind", () => {
  expect(findKind("tutorial.callbacks.SurfaceVolumeEvaluationMetricsCallback")?.class).toBe(
    SurfaceVolumeEvaluationMetricsCallback,
  );
});
