/** A small project as a user would write it: a data set, a model, a trainer and a callback of its own. */
import { BaseTrainerConfig, CallBackBaseConfig, DatasetBaseConfig, float, int, Model, ModelBaseConfig, PeriodicCallback } from "noether-ts/core";
import { Dataset } from "noether-ts/data";
import { crossEntropyLoss, nn, randn, tensor } from "noether-ts/torch";
import type { Tensor } from "noether-ts/torch";
import { BaseTrainer } from "noether-ts/training";

export const CirclesConfig = DatasetBaseConfig.extend("CirclesConfig", {
  fields: { num_samples: int({ ge: 1 }), num_classes: int({ ge: 2 }).default(4), noise: float({ ge: 0 }).default(0.1) },
});

/** Classes of points around a circle. */
export class Circles extends Dataset<any> {
  static readonly schema = CirclesConfig;
  readonly x: Tensor;

  constructor(config: any) {
    super(config);
    const { num_samples, num_classes, noise } = config;
    const centres = Array.from({ length: num_samples }, (_, i) => {
      const angle = (2 * Math.PI * (i % num_classes)) / num_classes;
      return [Math.cos(angle), Math.sin(angle)];
    });
    this.x = randn([num_samples, 2]).mul(noise).add(tensor(centres));
    this.addGetter("x", (index) => this.x.index(index));
    this.addGetter("y", (index) => tensor(BigInt(index % num_classes)));
  }

  override get length(): number {
    return (this.config).num_samples;
  }
}

export const ClassifierConfig = ModelBaseConfig.extend("ClassifierConfig", {
  fields: { hidden_dim: int({ ge: 1 }), output_dim: int({ ge: 2 }) },
});

export class Classifier extends Model {
  static readonly schema = ClassifierConfig;
  readonly hidden: nn.Linear;
  readonly head: nn.Linear;

  constructor(config: any, dependencies: any) {
    super(config, dependencies);
    this.hidden = new nn.Linear(2, config.hidden_dim);
    this.head = new nn.Linear(config.hidden_dim, config.output_dim);
  }

  override forward({ x }: { x: Tensor }): Tensor {
    return this.head.forward(nn.functional.gelu(this.hidden.forward(x)));
  }
}

export class ClassifierTrainer extends BaseTrainer {
  static readonly schema = BaseTrainerConfig;

  override lossCompute(output: any, targets: any): Tensor {
    return crossEntropyLoss(output, targets.y);
  }
}

export const NoteConfig = CallBackBaseConfig.extend("NoteConfig", { fields: { power: int().default(1) } });

/** Notes something in the metrics after each epoch. */
export class Note extends PeriodicCallback {
  static readonly schema = NoteConfig;
  readonly power: number;

  constructor(config: any, dependencies: any) {
    super(config, dependencies);
    this.power = config.power;
  }

  override periodicCallback(): void {
    this.writer.addScalar("note", 2 ** this.power);
  }
}
