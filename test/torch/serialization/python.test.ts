/** What is written here, read by PyTorch itself (weights_only=True, also mapped) and by the reference safetensors. */
import { join } from "node:path";
import { arange, manualSeed, nn, ones, optim, tensor } from "../../../lib/torch";
import {
  Float,
  load,
  loadSafetensors,
  OrderedDict,
  save,
  saveSafetensors,
  tuple,
} from "../../../lib/torch/serialization";
import { describeValue, sorted } from "./describe";
import { expected, fixtures, golden, python, runPython, temporaryFolder } from "./fixtures";

const folder = temporaryFolder();
const at = (name: string) => join(folder, name);
const run = join(golden, "training/run/2026-01-01_abcde/train/checkpoints");
const inPython = python === undefined ? describe.skip : describe;

inPython("PyTorch reads", () => {
  test("every fixture after it went through load and save", () => {
    const names = Object.keys(expected.checkpoints);
    for (const name of names) save(load(join(fixtures, `${name}.pt`)), at(`${name}.pt`));
    const seen = runPython<unknown[]>("check.py", ...names.map((name) => at(`${name}.pt`)));
    for (const [i, name] of names.entries())
      expect([name, sorted(seen[i])]).toEqual([name, sorted(expected.checkpoints[name])]);
  });

  test("the golden checkpoints after they went through load and save, the same as before", () => {
    const names = ["E2_U10_S10_model", "E2_U10_S10_optim", "latest_model", "latest_optim"].map(
      (name) => `ab_upt_cp=${name}.th`,
    );
    for (const name of names) save(load(join(run, name)), at(name));
    const before = runPython<unknown[]>("check.py", ...names.map((name) => join(run, name)));
    expect(runPython("check.py", ...names.map((name) => at(name)))).toEqual(before);
  });

  test("a checkpoint of a model and its optimizer that were made here", () => {
    manualSeed(0);
    const model = new nn.Sequential(new nn.Linear(3, 4), new nn.BatchNorm1d(4));
    const optimizer = new optim.AdamW(model.parameters(), { lr: 1 });
    model
      .forward(ones([5, 3]))
      .square()
      .mean()
      .backward();
    optimizer.step();
    const value = {
      state_dict: model.stateDict(),
      optimizer: optimizer.stateDict(),
      training_iteration: { epoch: 1, update: 1, sample: 5 },
      ema: new Float(1),
      betas: tuple(0.9, new Float(1)),
      tolerances: new Map([[3, false]]),
      empty: new OrderedDict(),
      view: arange(12).to("bfloat16").reshape([3, 4]).index("...", 1),
      parameter: model.parameters()[0],
      unicode: "空力 🛩",
      infinite: -Infinity,
    };
    save(value, at("made.th"));
    const [seen] = runPython<unknown[]>("check.py", at("made.th"));
    expect(sorted(seen)).toEqual(sorted(describeValue(load(at("made.th")))));
  });

  test("safetensors", () => {
    const { tensors, metadata } = loadSafetensors(join(fixtures, "dtypes.safetensors"));
    const all = new Map([
      ...tensors,
      [
        "column",
        tensor([
          [1, 2],
          [3, 4],
        ]).index("...", 0),
      ],
    ]);
    saveSafetensors(all, at("made.safetensors"), { metadata });
    const seen = runPython<{ tensors: Record<string, unknown>; metadata: unknown }>(
      "check_safetensors.py",
      at("made.safetensors"),
    );
    expect(seen.metadata).toEqual(metadata);
    expect(seen.tensors).toMatchObject(expected.safetensors);
    expect(seen.tensors.column).toMatchObject({ shape: [2], data: "0000803f00004040" });
  });
});
