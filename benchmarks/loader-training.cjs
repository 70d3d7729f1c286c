// Updates of AB-UPT at a sixteenth of the points on the samples of benchmarks/loader.ts, and how long of them they wait for data.
const { join } = require("node:path");
const { Factory } = require("../dist/config");
const { TrainingIteration, UpdateCounter } = require("../dist/entries/core");
const { DataLoader, datasetFromFile } = require("../dist/data");
require("../dist/modeling");
const { arange, manualSeed, nn, scope, zeros } = require("../dist/torch");

const [folder, samples, updates] = process.argv.slice(2);
const [SURFACE, VOLUME] = [224, 256];

const CONFIG = {
  kind: "tutorial.model.ABUPT",
  name: "ab_upt",
  hidden_dim: 192,
  data_specs: { position_dim: 3, surface_output_dims: { pressure: 1 }, volume_output_dims: { velocity: 3 } },
  optimizer_config: { kind: "noether.core.optimizer.Lion", lr: 5e-5, weight_decay: 0.05, clip_grad_norm: 0.25 },
  use_bias_layers: false,
  geometry_depth: 1,
  physics_blocks: ["perceiver", "shared", "cross", "shared", "cross", "shared", "cross", "shared", "cross", "shared"],
  num_surface_blocks: 2,
  num_volume_blocks: 2,
  supernode_pooling_config: { input_dim: 3, radius: 1 },
  transformer_block_config: { num_heads: 3, mlp_expansion_factor: 4, use_rope: true },
};

async function main() {
  manualSeed(0);
  const updateCounter = new UpdateCounter({
    startIteration: new TrainingIteration(0, 0, 0),
    endIteration: new TrainingIteration(null, 1000, null),
    updatesPerEpoch: 1000,
    effectiveBatchSize: 1,
  });
  const model = new Factory().create(CONFIG, { updateCounter });
  model.initialize();
  model.train();
  const dataset = await datasetFromFile(`${join(__dirname, "loader-dataset.cjs")}#Cars`, folder, Number(samples));
  const iterator = new DataLoader(dataset, { numWorkers: 1, shuffle: true })[Symbol.asyncIterator]();
  let [waited, seconds] = [0, 0];
  for (let update = -3; update < Number(updates); update++) {
    await scope(async () => {
      const start = performance.now();
      const { value: batch } = await iterator.next();
      const loaded = performance.now();
      const surface = batch.surface_points.narrow(1, 0, SURFACE); // (1, S, 3)
      const volume = batch.volume_points.narrow(1, 0, VOLUME); // (1, V, 3)
      model.optimizerScheduleStep();
      const outputs = model.forward({
        geometry_position: surface.select(0, 0),
        geometry_supernode_idx: arange(SURFACE, { dtype: "int64" }),
        geometry_batch_idx: zeros([SURFACE], { dtype: "int64" }),
        surface_anchor_position: surface,
        volume_anchor_position: volume,
      });
      const loss = nn.functional
        .mseLoss(outputs.surface_pressure, batch.surface_pressure.narrow(1, 0, SURFACE))
        .add(nn.functional.mseLoss(outputs.volume_velocity, batch.volume_velocity.narrow(1, 0, VOLUME)));
      loss.backward();
      model.optimizerStep(null);
      model.optimizerZeroGrad();
      updateCounter.addSamples(1);
      updateCounter.nextUpdate();
      if (update < 0) return; // threads and kernels start
      waited += (loaded - start) / 1000;
      seconds += (performance.now() - start) / 1000;
    });
    await new Promise((resolve) => setImmediate(resolve)); // as the trainer does
  }
  await iterator.return();
  console.log(JSON.stringify({ waited, seconds }));
}

void main();
