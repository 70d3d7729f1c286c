/** Optimizer files: Python's into TypeScript and back. */
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Tensor, load, optim, save, tensor } from "../../../lib/torch";

interface Stored {
  shape: number[];
  data: number[];
}
interface File {
  optimizer: optim.OptimizerStateDict;
  params: Tensor[];
}

const fixture = (name: string): string => join(__dirname, "fixtures", name);
const { gradients } = (
  JSON.parse(readFileSync(fixture("optim.json"), "utf8")) as { problem: { float32: { gradients: Stored[][] } } }
).problem.float32;

function resume(file: File): { optimizer: optim.AdamW; params: Tensor[] } {
  const params = file.params.map((param) => param.clone().requiresGrad_());
  const optimizer = new optim.AdamW([{ params: params.slice(0, 1) }, { params: params.slice(1) }]);
  optimizer.loadStateDict(file.optimizer);
  return { optimizer, params };
}

function advance({ optimizer, params }: { optimizer: optim.AdamW; params: Tensor[] }, from: number, to: number): void {
  for (const step of gradients.slice(from, to)) {
    for (const [i, param] of params.entries()) param.grad = tensor(step[i]!.data).reshape(step[i]!.shape);
    optimizer.step();
  }
}

test("a file of torch.save resumes to where PyTorch ends", () => {
  const run = resume(load<File>(fixture("adamw.pt")));
  expect(run.optimizer.paramGroups.map(({ lr, weightDecay, name }) => ({ lr, weightDecay, name }))).toEqual([
    { lr: 0.01, weightDecay: 0, name: "first" },
    { lr: 0.01, weightDecay: 0.01, name: undefined },
  ]);
  advance(run, 5, 10);
  for (const [i, expected] of load<Tensor[]>(fixture("adamw_end.pt")).entries()) {
    expect(run.params[i]!.allclose(expected, 1e-6, 1e-7)).toBe(true);
  }
});

test("interrupted through a file equals uninterrupted, bit for bit", () => {
  const folder = mkdtempSync(join(tmpdir(), "noether-optim-"));
  try {
    const whole = resume(load<File>(fixture("adamw.pt")));
    advance(whole, 5, 7);
    const path = join(folder, "checkpoint.pt");
    save({ optimizer: whole.optimizer.stateDict(), params: whole.params.map((param) => param.detach()) }, path);
    const rest = resume(load<File>(path));
    advance(whole, 7, 10);
    advance(rest, 7, 10);
    rest.params.forEach((param, i) => expect(param.equal(whole.params[i]!)).toBe(true));
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test("what is saved has the layout of the file that Python wrote", () => {
  const python = load<File>(fixture("adamw.pt"));
  const own = resume(python).optimizer.stateDict();
  expect(
    own.param_groups.map((group) =>
      Object.entries(group).map(([option, value]) => [option, Array.isArray(value) ? [...value] : value]),
    ),
  ).toEqual(
    python.optimizer.param_groups.map((group) =>
      Object.entries(group).map(([option, value]) => [option, Array.isArray(value) ? [...value] : value]),
    ),
  );
  expect(own.param_groups[0]!.betas).toBeInstanceOf((python.optimizer.param_groups[0]!.betas as object).constructor);
});
