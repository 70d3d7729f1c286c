import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { BestCheckpointCallback, CheckpointCallback, EmaCallback } from "../../../lib/core/callbacks";
import { BestCheckpointCallbackConfig } from "../../../lib/core/callbacks/checkpoint/best-checkpoint";
import { CheckpointCallbackConfig } from "../../../lib/core/callbacks/checkpoint/checkpoint";
import { EmaCallbackConfig } from "../../../lib/core/callbacks/checkpoint/ema";
import { CompositeModel } from "../../../lib/core/models";
import { ModelBaseConfig } from "../../../lib/core/models/model-base-config";
import { load, noGrad, type Tensor } from "../../../lib/torch";
import { temporaryFolder } from "../../support/small-run";
import { counterAt, parts, Weight } from "./support";

describe("CheckpointCallback", () => {
  const make = (config: object, own = parts()) => ({
    own,
    callback: new CheckpointCallback(
      CheckpointCallbackConfig.create({ every_n_epochs: 1, ...config } as never),
      own.dependencies,
    ),
  });

  test("has to save something", () => {
    const none = { save_weights: false, save_latest_weights: false };
    expect(() => make(none)).toThrow("At least one of save_weights");
    for (const flag of ["save_weights", "save_optim", "save_latest_weights", "save_latest_optim"])
      make({ ...none, [flag]: true });
  });

  test("saves under the iteration, with its flags, and not in evaluation", () => {
    const { callback, own } = make({ save_optim: true, model_names: ["a"] }, parts({ update: 20 }));
    callback.periodicCallback(own.context("eval"));
    expect(own.save).not.toHaveBeenCalled();
    callback.periodicCallback(own.context("epoch"));
    expect(own.save.mock.calls[0]?.[0]).toMatchObject({
      checkpointTag: "E2_U20_S80", saveWeights: true, saveOptim: true, saveLatestWeights: true, saveLatestOptim: false, modelNamesToSave: ["a"], saveFrozenWeights: true,
    }); // prettier-ignore
    void callback.afterTraining(own.counter);
    expect(own.save.mock.calls[1]?.[0]).toMatchObject({ checkpointTag: "last" });
  });

  test.each([
    [{}, "2 checkpoints"],
    [{ every_n_epochs: undefined, every_n_updates: 50 }, "3 checkpoints"],
    [{ every_n_epochs: undefined, every_n_samples: 200, batch_size: 1 }, "3 checkpoints"],
    [{ save_weights: false }, "only latest weights/optim saved."],
  ])("estimates what it needs (%j)", (config, expected) => {
    const { callback } = make({ every_n_epochs: 5, ...config });
    const info = jest.spyOn(callback.logger, "debug").mockReturnValue();
    void callback.beforeTraining(counterAt(0, { end: 10 }));
    const line = info.mock.calls.join();
    expect(line).toContain("Estimated sizes:");
    if (!("every_n_epochs" in config)) expect(line).toContain(expected.replace("2", "3"));
    else expect(line).toContain(expected);
  });
});

describe("BestCheckpointCallback", () => {
  const make = (config: object = {}, own = parts()) => ({
    own,
    callback: new BestCheckpointCallback(
      BestCheckpointCallbackConfig.create({ every_n_epochs: 1, metric_key: "val/accuracy", ...config } as never),
      own.dependencies,
    ),
  });
  /** Logs a value and runs the callback. */
  function at({ callback, own }: ReturnType<typeof make>, value: number): void {
    own.writer.logCache = { epoch: 0, update: 0, sample: 0, [callback.metricKey]: value };
    callback.periodicCallback(own.context("epoch"));
  }
  const tags = ({ own }: ReturnType<typeof make>): unknown[] =>
    own.save.mock.calls.map(([options]) => (options as { checkpointTag: string }).checkpointTag);

  test.each([
    ["val/accuracy", [0.5, 0.6], 2],
    ["val/accuracy", [0.5, 0.4], 1],
    ["val/loss", [0.5, 0.4], 2],
    ["val/loss", [0.5, 0.6], 1],
    ["val/loss", [0.5, 0.5, NaN], 1],
    ["val/accuracy", [NaN, 0.1], 1],
  ])("%s over %j saves %i times", (metric_key, values, saves) => {
    const made = make({ metric_key });
    for (const value of values) at(made, value);
    expect(made.own.save).toHaveBeenCalledTimes(saves);
  });

  test("saves weights only", () => {
    const made = make({ model_names: ["a"] });
    at(made, 0.5);
    expect(made.own.save.mock.calls[0]?.[0]).toEqual({
      model: made.own.model,
      checkpointTag: "best_model.val.accuracy",
      saveOptim: false,
      modelNamesToSave: ["a"],
      saveFrozenWeights: true,
    });
  });

  test("frozen weights only if they are wanted", () => {
    const made = make({ save_frozen_weights: false, tolerances: [1] });
    for (const value of [0.5, 0.4, 0.4]) at(made, value);
    expect(
      made.own.save.mock.calls.map(([options]) => (options as { saveFrozenWeights: boolean }).saveFrozenWeights),
    ).toEqual([false, false]);
  });

  test("tolerances: the weights of the moment when patience ran out, once", () => {
    const made = make({ tolerances: [2] });
    for (const value of [0.9, 0.85, 0.85, 0.85, 0.85]) at(made, value);
    expect(tags(made)).toEqual(["best_model.val.accuracy", "best_model.val.accuracy.tolerance=2"]);
    expect(made.callback.metricAtExceededTolerance).toEqual(new Map([[2, 0.85]]));
    const info = jest.spyOn(made.callback.logger, "info").mockReturnValue();
    made.callback.afterTraining(made.own.counter);
    expect(info.mock.calls.join()).toContain("tolerance=2");
    at(made, 0.95);
    expect([made.callback.toleranceCounter, made.callback.tolerancesIsExceeded]).toEqual([0, new Map([[2, false]])]);
  });

  test("tolerances are refused in a run that does not start at zero", () => {
    expect(() => make({ tolerances: [2] }).callback.beforeTraining(counterAt(10))).toThrow("does not start at zero");
    make({ tolerances: [2] }).callback.beforeTraining(counterAt(0));
    make().callback.beforeTraining(counterAt(10));
  });

  test("its state survives a file", () => {
    const folder = temporaryFolder();
    const made = make({ tolerances: [1] });
    for (const value of [0.9, 0.5, 0.4]) at(made, value);
    const own = parts({
      outputRootPath: folder.path,
      writes: true,
      trainer: { stateDict: () => new Map([["callback_state_dicts", new Map([["a", made.callback.stateDict()]])]]) },
    });
    own.checkpointWriter.save({ model: own.model, trainer: own.dependencies.trainer, checkpointTag: "t" });
    const file = load(join(own.paths.checkpointPath, "weight_cp=t_trainer.th")) as {
      callback_state_dicts: { a: object };
    };
    const { callback } = make();
    callback.loadStateDict(file.callback_state_dicts.a as Record<string, unknown>);
    folder.remove();
    expect([callback.bestMetricValue, callback.toleranceCounter, callback.tolerancesIsExceeded, callback.metricAtExceededTolerance]).toEqual([
      0.9, 2, new Map([[1, true]]), new Map([[1, 0.4]]),
    ]); // prettier-ignore
  });

  test("a metric that nobody logs names those that there are", () => {
    const { callback, own } = make();
    expect(() => callback.periodicCallback(own.context("epoch"))).toThrow("Log cache is empty");
    own.writer.addScalar("val/loss", 1);
    expect(() => callback.periodicCallback(own.context("epoch"))).toThrow(
      /couldn't find metric_key val\/accuracy.*val\/loss/,
    );
    callback.periodicCallback(own.context("eval"));
  });
});

describe("EmaCallback", () => {
  let folder: ReturnType<typeof temporaryFolder>;
  beforeEach(() => (folder = temporaryFolder()));
  afterEach(() => folder.remove());
  function make(config: object, update = 0) {
    const own = parts({ outputRootPath: folder.path, writes: true, update });
    return {
      own,
      callback: new EmaCallback(EmaCallbackConfig.create({ every_n_epochs: 1, ...config } as never), own.dependencies),
    };
  }
  const set = (model: Weight, value: number): void => void noGrad(() => model.w.fill_(value));
  const average = (callback: EmaCallback, factor: number, path: string | null = null): number =>
    Number((callback.parametersOf(path, factor)?.get("w") as Tensor).item());
  const files = (own: ReturnType<typeof parts>): string[] =>
    existsSync(own.paths.checkpointPath) ? readdirSync(own.paths.checkpointPath).sort() : [];

  test.each([
    [0.5, [4, 10], [3, 6.5]],
    [0.9, [10], [2.8]],
    [0.75, [8], [3.5]],
  ])("factor %d over %j", (factor, values, expected) => {
    const { callback, own } = make({ target_factors: [factor] });
    void callback.beforeTraining(own.counter);
    values.forEach((value, i) => {
      set(own.model, value);
      callback.trackAfterUpdateStep();
      expect(average(callback, factor)).toBeCloseTo(expected[i] as number, 6);
    });
  });

  test("is no alias of the weights; buffers are copied", () => {
    const { callback, own } = make({ target_factors: [0.5] });
    void callback.beforeTraining(own.counter);
    set(own.model, 100);
    expect(average(callback, 0.5)).toBe(2);
    noGrad(() => own.model.count.fill_(7));
    callback.trackAfterUpdateStep();
    expect((callback.buffersOf(null)?.get("count") as Tensor).item()).toBe(7);
  });

  test.each([
    [{}, ["E1_U10_S40", "last"]],
    [{ save_latest_weights: true }, ["E1_U10_S40", "last", "latest"]],
    [{ save_weights: false, save_last_weights: true }, ["last"]],
    [{ save_weights: false, save_last_weights: false, save_latest_weights: true }, ["latest"]],
  ])("files with %j", (config, expected) => {
    const { callback, own } = make({ target_factors: [0.9999], ...config }, 10);
    void callback.beforeTraining(own.counter);
    callback.periodicCallback(own.context("eval"));
    expect(files(own)).toEqual([]);
    callback.periodicCallback(own.context("epoch"));
    void callback.afterTraining(own.counter);
    expect(files(own)).toEqual(expected.map((tag) => `weight_ema=0.9999_cp=${tag}_model.th`));
  });

  test("a file holds parameters, then buffers, and the factor", () => {
    const { callback, own } = make({ target_factors: [1] }, 10);
    void callback.beforeTraining(own.counter);
    callback.periodicCallback(own.context("epoch"));
    const content = load(join(own.paths.checkpointPath, "weight_ema=1.0_cp=E1_U10_S40_model.th")) as Record<
      string,
      unknown
    >;
    expect(Object.keys(content)).toEqual([
      "state_dict",
      "checkpoint_tag",
      "training_iteration",
      "run_id",
      "ema",
      "model_config",
      "config_kind",
    ]);
    expect(Object.keys(content["state_dict"] as object)).toEqual(["w", "count"]);
    expect(content["ema"]).toBe(1);
  });

  test("of submodels, each on its own", () => {
    class Pair extends CompositeModel {
      readonly encoder = new Weight();
      readonly decoder = new Weight();
      override get submodels() {
        return { encoder: this.encoder, decoder: this.decoder };
      }
      override forward(x: Tensor): Tensor {
        return x;
      }
    }
    const own = parts({ outputRootPath: folder.path, writes: true, update: 10 });
    const model = new Pair(ModelBaseConfig.create({ kind: "Pair", name: "pair" }));
    const callback = new EmaCallback(
      EmaCallbackConfig.create({ every_n_epochs: 1, target_factors: [0.5], model_paths: ["encoder", "decoder"] }),
      { ...own.dependencies, model },
    );
    noGrad(() => model.decoder.w.fill_(4));
    void callback.beforeTraining(own.counter);
    set(model.encoder, 6);
    set(model.decoder, 8);
    callback.trackAfterUpdateStep();
    expect([average(callback, 0.5, "encoder"), average(callback, 0.5, "decoder")]).toEqual([4, 6]);
    callback.periodicCallback(own.context("epoch"));
    expect(files(own)).toEqual(
      ["pair.decoder", "pair.encoder"].map((name) => `${name}_ema=0.5_cp=E1_U10_S40_model.th`),
    );
    const file = join(own.paths.checkpointPath, "pair.encoder_ema=0.5_cp=E1_U10_S40_model.th");
    expect((load(file) as { model_config: { name: string } }).model_config.name).toBe(model.encoder.modelConfig.name);
  });

  test("a path that is no model is refused before training", () => {
    const { callback, own } = make({ target_factors: [0.5], model_paths: ["w"] });
    expect(() => callback.beforeTraining(own.counter)).toThrow("is not a module");
  });

  test("is resumed from the checkpoint of the run, else from its latest", () => {
    const { callback, own } = make({ target_factors: [0.5], save_latest_weights: true }, 10);
    void callback.beforeTraining(own.counter);
    set(own.model, 6);
    callback.trackAfterUpdateStep();
    callback.periodicCallback(own.context("epoch"));
    const resumed = make({ target_factors: [0.5] }, 10);
    resumed.callback.resumeFromCheckpoint(own.paths, resumed.own.model, "something else");
    void resumed.callback.beforeTraining(own.counter);
    expect([resumed.callback.wasResumed, average(resumed.callback, 0.5)]).toEqual([true, 4]);
    const fresh = make({ target_factors: [0.7] });
    const live = fresh.own.model.w.item();
    fresh.callback.resumeFromCheckpoint(own.paths, fresh.own.model, "latest");
    expect([average(fresh.callback, 0.7), fresh.callback.wasResumed]).toEqual([live, true]);
  });
});
