/** Packages of AOTInductor. One is compiled where PYTHON names a Python with torch and there is a C++ compiler. */
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as torch from "../../../lib/torch";
import { inductor, tensor, type Tensor } from "../../../lib/torch";
import { CheckpointError } from "../../../lib/torch/serialization/errors";
import { python } from "../../support/python";
import { archive } from "../serialization/archives";

const folder = mkdtempSync(join(tmpdir(), "noether-inductor-"));
afterAll(() => rmSync(folder, { recursive: true }));
const trusted = { trustNativeCode: true } as const;
const exported = join(__dirname, "..", "export", "fixtures", "vision.pt2");

const PROGRAM = `
import sys, torch
class Model(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.fc = torch.nn.Linear(4, 3)
        with torch.no_grad():
            self.fc.weight.copy_(torch.arange(12.0).reshape(3, 4) / 10)
            self.fc.bias.fill_(0.5)
    def forward(self, x):
        return {"y": torch.relu(self.fc(x)), "sum": x.sum(1)}
program = torch.export.export(Model().eval(), (torch.ones(2, 4),))
torch._inductor.aoti_compile_and_package(program, package_path=sys.argv[1])
`;

const compiled = ((): string | null => {
  if (python === undefined) return null;
  const path = join(folder, "model.pt2");
  const { status, stderr } = spawnSync(python, ["-c", PROGRAM, path], {
    encoding: "utf8",
    cwd: folder,
    timeout: 300000,
  });
  if (status === 0) return path;
  console.warn(`PYTHON compiles no package: ${stderr.trim().split("\n").at(-1)}`);
  return null;
})();
const where = compiled === null ? test.skip : test;
if (python === undefined)
  console.warn("PYTHON names no Python with torch: running a package of AOTInductor is not tested");

where("a compiled model runs", async () => {
  for (const model of [
    inductor.aotiLoadPackage(compiled!, trusted),
    await inductor.aotiLoadPackageAsync(compiled!, trusted),
  ]) {
    const x = tensor(
      [
        [1, 2, 3, 4],
        [0, -1, -2, -3],
      ],
      { requiresGrad: true },
    );
    const { y, sum } = model.forward(x) as { y: Tensor; sum: Tensor };
    expect(y.tolist()).toEqual([[2.5, 6.5, 10.5].map((value) => expect.closeTo(value, 4) as number), [0, 0, 0]]);
    expect(sum.tolist()).toEqual([10, -6]);
    expect(y.requiresGrad).toBe(false);
    expect(model.constantNames).toContain("fc.weight");
  }
});

where("inputs that it was not compiled for are refused", () => {
  const model = inductor.aotiLoadPackage(compiled!, trusted);
  expect(() => model.forward(torch.ones([2, 5]))).toThrow();
  expect(() => model.forward(torch.ones([2, 4]).double())).toThrow();
  expect(() => model.forward()).toThrow(/expected a list of 1/);
  expect(() => model.forward(3)).toThrow(/expected tensors, got 3/);
  expect((model.forward(torch.ones([2, 4])) as { sum: Tensor }).sum.tolist()).toEqual([4, 4]);
});

where("torch.export.load says what it is", () => {
  expect(() => torch.export.load(compiled!)).toThrow(/inductor\.aotiLoadPackage/);
});

test.each<[string, () => unknown, RegExp]>([
  ["no trust", () => inductor.aotiLoadPackage(exported, {} as never), /trustNativeCode: true/],
  ["no options", () => inductor.aotiLoadPackage(exported, undefined as never), /trustNativeCode: true/],
  [
    "trust that is denied",
    () => inductor.aotiLoadPackage(exported, { trustNativeCode: false } as never),
    /trustNativeCode: true/,
  ],
  ["a program of torch.export", () => inductor.aotiLoadPackage(exported, trusted), /torch\.export\.load/],
  [
    "no runners",
    () => inductor.aotiLoadPackage(exported, { ...trusted, numRunners: 0 }),
    /integer of at least 1 for numRunners/,
  ],
  ["no file", () => inductor.aotiLoadPackage(join(folder, "none"), trusted), /none/],
])("%s is an error", (_, call, message) => expect(call).toThrow(message));

test("code that is none, and entries outside of their folder, are errors", () => {
  const path = join(folder, "broken.pt2");
  const record = (text: string): Uint8Array => Buffer.from(text);
  const base = {
    archive_format: record("pt2"),
    archive_version: record("0"),
    "data/aotinductor/model/m.so": record("no code"),
  };
  writeFileSync(path, archive(base));
  expect(() => inductor.aotiLoadPackage(path, trusted)).toThrow();
  writeFileSync(path, archive({ ...base, "data/../../escape": record("x") }));
  expect(() => inductor.aotiLoadPackage(path, trusted)).toThrow(/outside of its folder/);
  expect(() => inductor.aotiLoadPackage(path, { ...trusted, modelName: "other" })).toThrow(CheckpointError);
});
