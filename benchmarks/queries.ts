/**
 * AB-UPT on very many query points: time a point and memory, which does not grow with their number beyond the fields themselves.
 *
 *   npx tsx benchmarks/queries.ts [--points 100000,1000000] [--anchors 1024] [--hidden 96] [--chunk 16384] [--threads 2]
 */
import { availableParallelism } from "node:os";
import { parseArgs } from "node:util";
import { AnchoredBranchedUPT, predictQueries } from "../lib/modeling";
import { arange, manualSeed, memory, rand, resetPeakMemory, setNumThreads, zeros } from "../lib/torch";

const { values: options } = parseArgs({
  options: {
    points: { type: "string", default: "100000,1000000" },
    anchors: { type: "string", default: "1024" },
    hidden: { type: "string", default: "96" },
    chunk: { type: "string", default: "16384" },
    threads: { type: "string", default: String(availableParallelism()) },
  },
});
const anchors = Number(options.anchors);

const model = new AnchoredBranchedUPT({
  kind: "noether.modeling.models.AnchoredBranchedUPT",
  name: "ab_upt",
  hidden_dim: Number(options.hidden),
  geometry_depth: 1,
  physics_blocks: ["perceiver", "shared", "cross", "shared"],
  num_surface_blocks: 1,
  num_volume_blocks: 1,
  supernode_pooling_config: { input_dim: 3, k: 16 } as never,
  transformer_block_config: {
    num_heads: Math.max(1, Math.floor(Number(options.hidden) / 64)),
    mlp_expansion_factor: 4,
    use_rope: true,
  } as never,
  perceiver_block_config: {} as never,
  data_specs: { position_dim: 3, surface_output_dims: { pressure: 1 }, volume_output_dims: { velocity: 3 } },
} as never);

async function main(): Promise<void> {
  setNumThreads(Number(options.threads));
  manualSeed(0);
  const geometry = rand([anchors, 3]).mul(1000);
  console.log(
    `| query points | seconds | µs a point | tensor memory at the peak, MiB | of it positions and fields, MiB |\n|---|---|---|---|---|`,
  );
  for (const points of options.points.split(",").map(Number)) {
    const query_volume_position = rand([1, points, 3]).mul(1000);
    resetPeakMemory();
    const start = performance.now();
    let shown = 0;
    const fields = await predictQueries(
      model,
      {
        geometry_position: geometry,
        geometry_supernode_idx: arange(0, anchors, 1, { dtype: "int64" }),
        geometry_batch_idx: zeros([anchors], { dtype: "int64" }),
        surface_anchor_position: geometry.unsqueeze(0),
        volume_anchor_position: rand([1, anchors, 3]).mul(1000),
        query_volume_position,
      },
      {
        chunkSize: Number(options.chunk),
        onProgress: ({ done, total }) => {
          if (process.stderr.isTTY && done - shown > total / 20) process.stderr.write(`\r${done} of ${total} points`);
          if (done - shown > total / 20) shown = done;
        },
      },
    );
    const seconds = (performance.now() - start) / 1e3;
    const mebibytes = (bytes: number) => (bytes / 2 ** 20).toFixed(0);
    console.log(
      `| ${[points, seconds.toFixed(1), ((seconds / points) * 1e6).toFixed(1), mebibytes(memory().peakBytes), mebibytes(points * (3 + 2 * 3) * 4)].join(" | ")} |`,
    );
    for (const field of Object.values(fields)) field.dispose();
    query_volume_position.dispose();
  }
}

void main();
