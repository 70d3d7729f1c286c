import { join } from "node:path";
import { readdirSync } from "node:fs";

import { keep, type Tensor } from "../../lib/torch";
import { type CallbackState, FixedEarlyStopper, PeriodicCallback } from "../../lib/core/callbacks";
import { CompositeModel, type ModelDependencies } from "../../lib/core/models";
import { ModelBaseConfig } from "../../lib/core/models/model-base-config";
import { SMALL_MODEL, SmallModel, smallRun, temporaryFolder, weightsOf } from "../support/small-run";

/** Two models that are trained together, one inside another composite. */
class Inner extends CompositeModel {
  readonly net: SmallModel;
  constructor(dependencies: ModelDependencies) {
    super(ModelBaseConfig.create({ kind: "Inner", name: "inner" }), dependencies);
    this.net = new SmallModel(ModelBaseConfig.create({ ...SMALL_MODEL, name: "net" }), dependencies);
  }
  override get submodels() {
    return { net: this.net };
  }
  override forward(input: { x: Tensor }): Tensor {
    return this.net.forward(input);
  }
}

class Outer extends CompositeModel {
  readonly a: Inner;
  readonly b: SmallModel;
  constructor(dependencies: ModelDependencies) {
    super(ModelBaseConfig.create({ kind: "Outer", name: "outer" }), dependencies);
    this.a = new Inner(dependencies);
    this.b = new SmallModel(ModelBaseConfig.create({ ...SMALL_MODEL, name: "b" }), dependencies);
  }
  override get submodels() {
    return { a: this.a, b: this.b };
  }
  override forward(input: { x: Tensor }): Tensor {
    return this.a.forward(input).add(this.b.forward(input));
  }
}

/** Counts updates and keeps the count, and a tensor, in checkpoints. */
class Counting extends PeriodicCallback {
  count = 0;
  last: Tensor | null = null;
  override trackAfterUpdateStep(): void {
    this.count += 1;
    this.last?.dispose();
    this.last = keep((this.model.parameters()[0] as Tensor).detach().clone());
  }
  override stateDict(): CallbackState {
    return { count: this.count, last: this.last };
  }
  override loadStateDict(state: CallbackState): void {
    ({ count: this.count, last: this.last } = state as unknown as { count: number; last: Tensor });
    keep(this.last);
  }
}

const folder = temporaryFolder();
let warnings: jest.SpyInstance;
beforeAll(() => (warnings = jest.spyOn(process.stderr, "write").mockReturnValue(true)));
afterAll(() => {
  warnings.mockRestore();
  folder.remove();
});

function run(
  runId: string,
  { stopAt, initializer, seed = 0 }: { stopAt?: number; initializer?: object; seed?: number } = {},
) {
  const built = smallRun({
    outputRootPath: folder.path,
    runId,
    seed,
    trainer: {
      initializer,
      callbacks: [
        {
          kind: "noether.core.callbacks.CheckpointCallback",
          every_n_epochs: 1,
          save_optim: true,
          save_latest_optim: true,
        },
      ],
    },
    buildModel: (dependencies) => new Outer(dependencies),
  });
  let counting!: Counting;
  built.trainer.extraCallbacks = (dependencies) => [
    (counting = new Counting({ every_n_epochs: 1, id: "counting" }, dependencies)),
    ...(stopAt === undefined
      ? []
      : [new FixedEarlyStopper({ stop_at_update: stopAt, stop_at_epoch: null, stop_at_sample: null }, dependencies)]),
  ];
  return { ...built, counting: () => counting };
}

test("nested composites and states of callbacks go on where they were", async () => {
  const whole = run("whole");
  await whole.trainer.train(whole.model);

  const part = run("part", { stopAt: 4 });
  await part.trainer.train(part.model);
  expect(readdirSync(join(folder.path, "part", "checkpoints")).filter((name) => name.includes("cp=last"))).toEqual([
    "outer.a.net_cp=last_model.th",
    "outer.a.net_cp=last_optim.th",
    "outer.b_cp=last_model.th",
    "outer.b_cp=last_optim.th",
    "outer_cp=last_trainer.th",
  ]);

  const rest = run("rest", {
    seed: 5,
    initializer: {
      kind: "noether.core.initializers.ResumeInitializer",
      run_id: "part",
      checkpoint_tag: "last",
      model_name: "outer",
    },
  });
  await rest.trainer.train(rest.model);
  expect(weightsOf(rest.model)).toEqual(weightsOf(whole.model));
  expect(rest.counting().count).toBe(9);
  expect(rest.counting().last?.toArray()).toEqual(whole.counting().last?.toArray());
});
