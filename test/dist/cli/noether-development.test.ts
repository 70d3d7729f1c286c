import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { project as circles, runCli } from "./run-cli";

let project: string;
beforeAll(() => {
  project = mkdtempSync(join(tmpdir(), "noether-development-"));
  cpSync(circles, project, { recursive: true });
});
afterAll(() => rmSync(project, { recursive: true }));

const develop = (...args: string[]) => runCli("noether-development", ["configs/train.yaml", ...args], project);

/** The lines below each title. */
const partsOf = (stdout: string) => Object.fromEntries(stdout.split(/^={60}\n(.*)\n={60}\n/m).slice(1).reduce<string[][]>((pairs, text, index) => (index % 2 === 0 ? [...pairs, [text]] : [...pairs.slice(0, -1), [pairs.at(-1)![0]!, text]]), []));

test("one pass through everything, which leaves nothing behind", () => {
  const before = readdirSync(project, { recursive: true });
  const { code, stdout, stderr } = develop("+development_batch_size=3");
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  const { data, pipeline, model, trainer, callbacks, ...others } = partsOf(stdout);
  expect(others).toEqual({});
  expect(data).toMatch(/^train: .\/spiral\.ts#Circles, 32 samples\ntest: .\/spiral\.ts#Circles, 8 samples\nsample \d+ of the training set:\n {2}index: \d+\n {2}x: tensor \(2\) float32 on cpu/);
  expect(pipeline).toMatch(/^a batch of 3 samples \(\d+, \d+, \d+\):\n {2}index: tensor \(3\) int64.*\n.*\n {2}x: tensor \(3, 2\) float32.*\n.*\n {2}y: tensor \(3\) int64/);
  expect(model).toMatch(/#Classifier: \d+ trainable and 0 frozen parameters\nforward\(x\):\n {2}output: tensor \(3, 4\) float32/);
  expect(trainer).toMatch(/ {2}total loss: \d\.\d{6}\n {2}losses: 1 entries\n {4}loss: tensor \(\) float32 on cpu: \d\.\d+\n {2}additional outputs: 0 entries\nbackward: every trainable parameter got a gradient\n/);
  expect(callbacks).toMatch(/CheckpointCallback\(.*\): has no data set, not called\n/);
  expect(callbacks).toMatch(/OfflineLossCallback\(.*\): processData of 4 samples of test:\n {2}result: list of 2\n/);
  expect(readdirSync(project, { recursive: true })).toEqual(before);
});

test("parameters that get no gradient are named", () => {
  const source = readFileSync(join(project, "spiral.ts"), "utf8");
  writeFileSync(join(project, "unused.ts"), source.replace("    this.head =", "    (this as any).spare = new nn.Linear(1, 1);\n    this.head ="));
  const { code, stdout } = develop("model.kind=./unused.ts#Classifier");
  expect(code).toBe(0);
  expect(stdout).toContain("backward: 2 trainable parameters got no gradient, so they are not trained:\n  spare.weight\n  spare.bias\n");
});

test("an error in the user's code comes after what was done, with its file and line", () => {
  const source = readFileSync(join(project, "spiral.ts"), "utf8");
  writeFileSync(join(project, "broken.ts"), source.replace("return this.head.forward(", "return this.head.forward(x as any ?? "));
  const { code, stdout, stderr } = develop("model.kind=./broken.ts#Classifier");
  expect(code).toBe(1);
  expect(Object.keys(partsOf(stdout))).toEqual(["data", "pipeline", "model"]);
  expect(stderr).toMatch(/^noether-development: error: [\s\S]*at Classifier\.forward \(.*broken\.ts:\d+:\d+\)/);
});

test("a batch size that is none is an error with its place", () => {
  const { code, stdout, stderr } = develop("+development_batch_size=0");
  expect({ code, stdout }).toEqual({ code: 1, stdout: "" });
  expect(stderr).toMatch(/override "\+development_batch_size=0": development_batch_size: expected an integer >= 1/);
});
