import { getRngState, noGrad, setRngState, type Tensor } from "../../../lib/torch";
import type { Recorder } from "../../../lib/torch/cuda/captured-function";
import { mapTensors } from "../../../lib/torch/map-tensors";
import { GradScaler } from "../../../lib/torch/amp";
import type { Model } from "../../../lib/core/models";
import { GradientStep } from "../../../lib/training/trainers/gradient-step";
import { NanGuard } from "../../../lib/training/trainers/nan-guard";
import { UpdateCapture } from "../../../lib/training/trainers/update-capture";
import { type GradScalerLike, NoopGradScaler } from "../../../lib/torch/amp/grad-scaler";
import { captureCases, stateOf } from "./capture-cases";

/**
 * Stands in for CUDA graphs: what is recorded is the closure. A recording leaves no trace, as on a GPU, where nothing runs during
 * one; a replay runs the closure on the recorded inputs and writes the recorded outputs.
 */
function closureRecorder(model: Model, scaler: GradScalerLike, onReplay: () => void): () => Recorder {
  return () => {
    let body: (() => unknown) | null = null;
    let outputs: unknown = null;
    return {
      warmUp: (run) => run(),
      record: (run) => {
        const random = getRngState();
        const scale = scaler instanceof GradScaler ? scaler.stateDict() : null;
        const state = stateOf(model);
        const before = state.map((tensor) => tensor.detach().clone());
        const result = run();
        noGrad(() => state.forEach((tensor, i) => tensor.copy_(before[i]!)));
        if (scale !== null) scaler.loadStateDict(scale);
        setRngState(random);
        body = run;
        outputs = result;
        return result;
      },
      replay: () => {
        onReplay();
        const results = tensorsOf(body!());
        noGrad(() => tensorsOf(outputs).forEach((tensor, i) => tensor.copy_(results[i]!)));
      },
      reset: () => undefined,
    };
  };
}

function tensorsOf(value: unknown): Tensor[] {
  const found: Tensor[] = [];
  mapTensors(value, (tensor) => {
    found.push(tensor);
    return tensor;
  });
  return found;
}

test.each(captureCases("cpu", { recorderOf: closureRecorder }))("$name", ({ run }) => run());

test("on the CPU nothing is recorded, and the reason is said", async () => {
  const gradScaler = new NoopGradScaler();
  const nanGuard = new NanGuard({ skip: false, maxCount: 1 });
  const capture = new UpdateCapture({
    device: "cpu",
    gradScaler,
    gradientStep: new GradientStep({ gradScaler, nanGuard }),
    skipsNanLoss: false,
    forward: () => {
      throw new Error("not called");
    },
  });
  expect(capture.fallBack).toContain("on cpu");
  await expect(capture.run({} as never)).resolves.toBeNull();
});
