/**
 * A short run with everything that a checkpoint holds: weights, batch norm, optimizer, dropout, averages, random order. Used
 * as a program (arguments: output folder) and by the test that resumes it.
 */
const { BaseTrainer } = require("../../../dist/training");
const { DataContainer, Dataset, MultiStagePipeline } = require("../../../dist/data");
const core = require("../../../dist/entries/core");
const { Generator, keep, manualSeed, nn, randn } = require("../../../dist/torch");
require("../../../dist/initializers");

class Points extends Dataset {
  constructor() {
    super(core.DatasetBaseConfig.create({ kind: "Points" }));
    const x = keep(randn([6, 2], { generator: new Generator().manualSeed(0) })); // (N, 2)
    this.addGetter("x", (index) => x.index(index).clone());
    this.addGetter("y", (index) => x.index(index).sum([0], true).sin());
    this.pipeline = new MultiStagePipeline();
  }
  get length() {
    return 6;
  }
}

class Net extends core.Model {
  constructor(config, options) {
    super(config, options);
    this.fc1 = new nn.Linear(2, 4);
    this.norm = new nn.BatchNorm1d(4);
    this.dropout = new nn.Dropout(0.2);
    this.fc2 = new nn.Linear(4, 1);
  }
  forward({ x }) {
    return this.fc2.forward(this.dropout.forward(this.norm.forward(this.fc1.forward(x)).tanh()));
  }
}

class Trainer extends BaseTrainer {
  lossCompute(output, { y }) {
    return { mse: output.sub(y).square().mean() };
  }
}

const checkpoint = (options) => ({ kind: "noether.core.callbacks.CheckpointCallback", ...options });

/** Only `latest` at every fourth update, whole checkpoints at each epoch (3 updates), averages at every second update. */
const SAVING = [
  checkpoint({ every_n_updates: 4, save_weights: false, save_latest_weights: true, save_latest_optim: true }),
  checkpoint({ every_n_epochs: 1, save_weights: true, save_optim: true, save_latest_weights: false }),
  ema({ every_n_updates: 2, save_weights: false, save_latest_weights: true }),
];
/** Saves nothing. */
const SILENT = [ema({ every_n_epochs: 1000, save_weights: false, save_last_weights: false })];

function ema(options) {
  return { kind: "noether.core.callbacks.EmaCallback", target_factors: [0.5], ...options };
}

/**
 * Trainer and model of 6 updates.
 *
 * @param from run directory whose checkpoint `latest` is resumed
 */
function build({ outputRootPath, runId = "run", from = null, saves = true }) {
  manualSeed(from === null ? 0 : 99);
  const pathProvider = new core.PathProvider({ outputRootPath, runId });
  const metricPropertyProvider = new core.MetricPropertyProvider();
  const config = core.BaseTrainerConfig.create({
    kind: "Trainer",
    max_epochs: 2,
    effective_batch_size: 2,
    callbacks: saves ? SAVING : SILENT,
    add_default_callbacks: false,
    forward_properties: ["x"],
    target_properties: ["y"],
    initializer:
      from === null
        ? null
        : {
            kind: "noether.core.initializers.ResumeInitializer",
            output_path: from,
            run_id: "run",
            checkpoint_tag: "latest",
            model_name: "net",
          },
  });
  const trainer = new Trainer(config, {
    dataContainer: new DataContainer({ train: new Points() }),
    device: "cpu",
    tracker: new core.NoopTracker({ pathProvider, metricPropertyProvider }),
    pathProvider,
    metricPropertyProvider,
  });
  const model = new Net(
    core.ModelBaseConfig.create({
      kind: "Net",
      name: "net",
      optimizer_config: { kind: "torch.optim.AdamW", lr: 1e-2, weight_decay: 0.05 },
    }),
    { updateCounter: trainer.updateCounter, pathProvider },
  );
  return { trainer, model, pathProvider };
}

module.exports = { build };

if (require.main === module) {
  const { trainer, model } = build({ outputRootPath: process.argv[2] });
  void trainer.train(model);
}
