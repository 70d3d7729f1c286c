/** The recorded training run (`test/golden/training`) on the device, in mixed precision. */
import { manualSeed } from "../../lib/torch";
import { golden, goldenRun, temporaryFolder } from "../training/golden-run";
import { testOnCuda } from "./device";

const folder = temporaryFolder();
beforeAll(() => manualSeed(0));
afterAll(() => folder.remove());

async function train(precision: "bfloat16" | "float16") {
  const { trainer, model } = goldenRun({ outputRootPath: folder.path, runId: precision, device: "cuda", precision });
  await trainer.train(model);
  expect(new Set(model.parameters().map(({ device }) => device))).toEqual(new Set(["cuda:0"]));
  return { trainer, model, losses: (trainer.trace?.entries ?? []).map(({ loss }) => loss) };
}

/** Largest error of a list of losses, relative to those of the record. */
const lossError = (losses: readonly number[]) =>
  Math.max(...losses.map((loss, i) => Math.abs(loss / golden.trace[i]!.loss - 1)));

// of a mean over hundreds of errors, each rounded to 8 bits (bfloat16) or 11 bits (float16)
testOnCuda("bfloat16: the losses are those of the record within rounding", async () => {
  const { losses } = await train("bfloat16");
  expect(losses).toHaveLength(golden.trace.length);
  expect(lossError(losses)).toBeLessThan(2e-3);
});

testOnCuda(
  "float16: the losses are those of the record until a GradScaler leaves an update out, which halves its scale",
  async () => {
    const { trainer, losses } = await train("float16");
    const state = trainer.gradScaler.stateDict();
    const overflows = Math.log2(65536 / Number(state.get("scale")));
    const before = overflows === 0 ? losses.length : losses.length - Number(state.get("_growth_tracker"));
    expect([0, 1]).toContain(overflows);
    expect(losses).toHaveLength(golden.trace.length);
    expect(lossError(losses.slice(0, before))).toBeLessThan(2e-4);
    expect(lossError(losses)).toBeLessThan(2e-2); // one update behind the record
  },
);
