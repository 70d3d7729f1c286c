import { nn, tensor } from "../../../lib/torch";
import { findKind, notImplementedMessage } from "../../../lib/config/registry";
import { createOptimizer, OptimizerConfig } from "../../../lib/core/optimizer";
import { registered } from "../../../lib/config/schema";
import { OPTIMIZERS } from "../../torch/optim/every-optimizer";

test.each(Object.keys(OPTIMIZERS))("torch.optim.%s is a kind, or the error says that it is none yet", (name) => {
  const kind = `torch.optim.${name}`;
  expect((findKind(kind)?.schema ?? notImplementedMessage(kind)) !== undefined).toBe(true);
});

/**
 * Every option reaches the optimizer that a config names: three steps on [[1, −2, 3]] in float32 with weight decay 0.05,
 * compared with PyTorch 2.13 (`getattr(torch.optim, name)([theta], lr=0.02, weight_decay=0.05, **options)`).
 */
const GRADIENTS = [[[0.1, -0.2, 0.3]], [[0.05, 0.1, -0.4]], [[-0.3, 0.2, 0.1]]];

class OneMatrix extends nn.Module {
  readonly weight = new nn.Parameter(tensor([[1, -2, 3]]));
  override forward(): void {}
}

test.each<[kind: string, options: object, expected: number[]]>([
  ["ASGD", { lambd: 0.01, alpha: 0.5, t0: 1 }, [0.9994096, -1.9948156, 2.9892185]],
  ["Adafactor", { beta2_decay: -0.5, eps: [1e-10, 1e-2], d: 2 }, [0.978345, -2.0304029, 2.9763753]],
  ["NAdam", { momentum_decay: 0.01, decoupled_weight_decay: true }, [0.985953, -1.9957896, 2.9818141]],
  ["RAdam", { betas: [0.8, 0.9], decoupled_weight_decay: true }, [0.9951706, -1.990594, 2.9870267]],
  ["Adagrad", { lr_decay: 0.1, initial_accumulator_value: 0.2 }, [0.9975653, -1.9919363, 2.986769]],
  ["RMSprop", { alpha: 0.9, momentum: 0.5, centered: true }, [0.8778717, -1.9076641, 2.9018412]],
])("torch.optim.%s %j", (name, options, expected) => {
  const config = registered(OptimizerConfig).parse({
    kind: `torch.optim.${name}`,
    lr: 0.02,
    weight_decay: 0.05,
    ...options,
  });
  const model = new OneMatrix();
  const optimizer = createOptimizer(config)!(model);
  for (const gradient of GRADIENTS) {
    model.weight.grad = tensor(gradient);
    optimizer.step();
  }
  (model.weight.toArray() as number[][])[0]!.forEach((value, i) => expect(value).toBeCloseTo(expected[i]!, 5));
});
