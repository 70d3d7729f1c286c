/**
 * The ShapeNet-Car models with inputs and targets as the plain PyTorch models of `reference/` have them, and one forward pass or training
 * step of them: what models.ts and gpu.ts time.
 */
import { join } from "node:path";
import { Factory } from "../lib/config/factory/factory";
import type { Model } from "../lib/core/models";
import { TrainingIteration } from "../lib/core/iteration/training-iteration";
import { UpdateCounter } from "../lib/core/iteration/update-counter";
import "../lib/core";
import "../lib/modeling";
import { amp, autocast, distributed, inferenceMode, keep, loadSafetensors, nn, scope } from "../lib/torch";
import type { Tensor } from "../lib/torch";
import { GradientStep } from "../lib/training/trainers/gradient-step";
import { NanGuard } from "../lib/training/trainers/nan-guard";
import { UpdateCapture } from "../lib/training/trainers/update-capture";

export type What = "forward" | "train";
export type DType = "float32" | "bfloat16";

// ---- the models

const DATA_SPECS = { position_dim: 3, surface_output_dims: { pressure: 1 }, volume_output_dims: { velocity: 3 } };
const BLOCK = { num_heads: 3, mlp_expansion_factor: 4 };
const schedule = (max_value: number) => ({
  kind: "noether.core.schedules.LinearWarmupCosineDecaySchedule",
  warmup_percent: 0.05,
  end_value: 1e-6,
  max_value,
});
const LION = {
  kind: "noether.core.optimizer.Lion",
  lr: 5e-5,
  weight_decay: 0.05,
  clip_grad_norm: 0.25,
  schedule_config: schedule(5e-5),
};
const ADAMW = {
  kind: "torch.optim.AdamW",
  lr: 1e-3,
  weight_decay: 0.05,
  clip_grad_norm: 1,
  schedule_config: schedule(1e-3),
};

function config(model: string, scale: number): Record<string, unknown> {
  const pooling = { input_dim: 3, radius: 9 / Math.sqrt(scale) };
  const common = {
    name: model,
    hidden_dim: 192,
    data_specs: DATA_SPECS,
    optimizer_config: model === "transolver" ? ADAMW : LION,
  };
  const trunk = { ...common, depth: 12, use_output_projection: true };
  switch (model) {
    case "ab_upt":
      return {
        ...common,
        kind: "tutorial.model.ABUPT",
        use_bias_layers: false,
        geometry_depth: 1,
        physics_blocks: ["perceiver", "shared", ...Array.from({ length: 4 }, () => ["cross", "shared"]).flat()],
        num_surface_blocks: 2,
        num_volume_blocks: 2,
        supernode_pooling_config: pooling,
        transformer_block_config: { ...BLOCK, use_rope: true },
      };
    case "upt":
      return {
        ...common,
        ...BLOCK,
        kind: "tutorial.model.UPT",
        approximator_depth: 12,
        use_rope: true,
        supernode_pooling_config: pooling,
        approximator_config: {},
        decoder_config: { depth: 12, perceiver_block_config: {} },
      };
    case "transformer":
      return { ...trunk, kind: "tutorial.model.Transformer", transformer_block_config: { ...BLOCK, use_rope: true } };
    case "transolver":
      return { ...trunk, kind: "tutorial.model.Transolver", transformer_block_config: BLOCK };
    default:
      throw new Error(`expected ab_upt, upt, transformer or transolver, got "${model}"`);
  }
}

/** One model with its inputs and targets, and what is timed. */
export class Workload {
  readonly #device: string;
  readonly #model: Model;
  readonly #counter: UpdateCounter;
  readonly #inputs: Record<string, Tensor>;
  readonly #targets: Record<string, Tensor>;
  #reducer: distributed.GradientReducer | null = null;
  readonly #captures = new Map<DType, UpdateCapture>();

  /** `path` has the weights, inputs and targets that PyTorch's side wrote: a file, or a folder with `model.safetensors`. `updates`: length of the schedule. */
  constructor(model: string, scale: number, path: string, device = "cpu", updates = 100_000) {
    this.#device = device;
    this.#counter = new UpdateCounter({
      startIteration: new TrainingIteration(0, 0, 0),
      endIteration: new TrainingIteration(null, updates, null),
      updatesPerEpoch: 1,
      effectiveBatchSize: 1,
    });
    this.#model = new Factory().create(config(model, scale), { updateCounter: this.#counter }) as Model;
    this.#model.initialize();
    const { tensors } = loadSafetensors(path.endsWith(".safetensors") ? path : join(path, "model.safetensors"));
    const group = (prefix: string) =>
      Object.fromEntries(
        [...tensors]
          .filter(([name]) => name.startsWith(prefix))
          .map(([name, value]) => [name.slice(prefix.length), keep(value.to(device))]),
      );
    this.#model.loadStateDict(group("weight."));
    this.#model.to(device);
    this.#inputs = group("input.");
    this.#targets = group("target.");
  }

  forward(dtype: DType): Record<string, Tensor> {
    this.#model.eval();
    return inferenceMode(() =>
      precision(this.#device, dtype, () => this.#model.forward(this.#inputs) as Record<string, Tensor>),
    );
  }

  /** Waits until the device has done what it was asked for: an element of the result is read. */
  synchronize(): void {
    scope(() => this.#model.parameters()[0]!.detach().flatten().select(0, 0).item());
  }

  #loss(dtype: DType, batch: Record<string, Tensor> = { ...this.#inputs, ...this.#targets }): Tensor {
    const inputs = Object.fromEntries(Object.keys(this.#inputs).map((name) => [name, batch[name]!]));
    return precision(this.#device, dtype, () => {
      const outputs = this.#model.forward(inputs) as Record<string, Tensor>;
      return Object.keys(this.#targets)
        .map((name) => nn.functional.mseLoss(outputs[name]!, batch[name]!))
        .reduce((sum, part) => sum.add(part));
    });
  }

  /** From now on the blocks are computed again in the backward pass. */
  checkpointActivations(): void {
    nn.checkpointBlocks(this.#model);
  }

  /** From now on gradients are averages over the processes, as in training. */
  async distribute(): Promise<void> {
    this.#reducer = await distributed.GradientReducer.create(this.#model, { gradientAsBucketView: true });
  }

  /** The loss, where it is asked for by {@link distribute}: reading it waits for a device. */
  train(dtype: DType): number {
    this.#model.train();
    return scope(() => {
      this.#model.optimizerScheduleStep();
      this.#reducer?.beforeForward();
      const loss = this.#loss(dtype);
      this.#reducer?.beforeBackward([loss]);
      loss.backward();
      this.#reducer?.afterBackward();
      this.#model.optimizerStep(null);
      this.#model.optimizerZeroGrad();
      this.#count();
      return this.#reducer === null ? NaN : Number(loss.item());
    });
  }

  /** A training step as `trainer.capture` runs it. @throws Error with the reason where nothing is recorded. */
  async trainCaptured(dtype: DType): Promise<void> {
    this.#model.train();
    const capture = this.#captures.get(dtype) ?? this.#newCapture(dtype);
    await scope(async () => {
      this.#model.optimizerScheduleStep();
      const batch = { ...this.#inputs, ...this.#targets };
      const result = await capture.run({ batch, model: this.#model, accumulationSteps: 1, accumulationStep: 0 });
      if (result === null) throw new Error(`expected a captured update, but ${capture.fallBack}`);
      this.#count();
    });
  }

  #newCapture(dtype: DType): UpdateCapture {
    const gradScaler = new amp.NoopGradScaler();
    const nanGuard = new NanGuard({ skip: false, maxCount: 0 });
    const capture = new UpdateCapture({
      device: this.#device,
      gradScaler,
      gradientStep: new GradientStep({ gradScaler, nanGuard }),
      skipsNanLoss: false,
      forward: (batch) => ({ totalLoss: this.#loss(dtype, batch as Record<string, Tensor>) }),
    });
    this.#captures.set(dtype, capture);
    return capture;
  }

  #count(): void {
    this.#counter.addSamples(1);
    this.#counter.nextUpdate();
  }
}

function precision<T>(device: string, dtype: DType, body: () => T): T {
  const deviceType = device.startsWith("cuda") ? "cuda" : "cpu";
  return dtype === "bfloat16" ? autocast({ deviceType, dtype: "bfloat16" }, body) : body();
}
