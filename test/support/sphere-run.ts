import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { composeConfig } from "../../lib/config";
import { parseHydraArguments } from "../../lib/cli/hydra-arguments";
import { CellType, FieldMap, Mesh, writeMesh, type NdArray } from "../../lib/data";
import { HydraRunner } from "../../lib/training";
import "../../lib/modeling";

/** A sphere of triangles around a centre; its normals point outwards. */
export function sphere(rings: number, radius = 1, centre: readonly [number, number, number] = [0, 0, 0]): Mesh {
  const points: number[] = [0, 0, radius];
  const segments = 2 * rings;
  for (let i = 1; i < rings; i++) {
    for (let j = 0; j < segments; j++) {
      const [theta, phi] = [(Math.PI * i) / rings, (2 * Math.PI * j) / segments];
      points.push(
        radius * Math.sin(theta) * Math.cos(phi),
        radius * Math.sin(theta) * Math.sin(phi),
        radius * Math.cos(theta),
      );
    }
  }
  points.push(0, 0, -radius);
  const at = (ring: number, j: number) => 1 + (ring - 1) * segments + (j % segments);
  const triangles: number[] = [];
  const last = points.length / 3 - 1;
  for (let j = 0; j < segments; j++) {
    triangles.push(0, at(1, j), at(1, j + 1), last, at(rings - 1, j + 1), at(rings - 1, j));
    for (let ring = 1; ring + 1 < rings; ring++)
      triangles.push(
        at(ring, j),
        at(ring + 1, j),
        at(ring + 1, j + 1),
        at(ring, j),
        at(ring + 1, j + 1),
        at(ring, j + 1),
      );
  }
  const count = triangles.length / 3;
  return new Mesh({
    points: Float64Array.from(points, (x, i) => x + centre[i % 3]!),
    cells: {
      connectivity: Int32Array.from(triangles),
      offsets: Int32Array.from({ length: count + 1 }, (_, i) => 3 * i),
      types: new Uint8Array(count).fill(CellType.TRIANGLE),
    },
  });
}

/** A field of numbers computed at the points of a mesh. */
export function pointField(
  { points }: Mesh,
  channels: number,
  at: (x: number, y: number, z: number) => readonly number[],
): NdArray<Float32Array> {
  const rows = points.length / 3;
  const values = new Float32Array(rows * channels);
  for (let i = 0; i < rows; i++) values.set(at(points[3 * i]!, points[3 * i + 1]!, points[3 * i + 2]!), i * channels);
  return { values, shape: channels === 1 ? [rows] : [rows, channels] };
}

/** Hexahedra in a box from 1.2 to 2.2 along each axis, `n` along each. */
export function box(n: number): Mesh {
  const line = n + 1;
  const points: number[] = [];
  for (let k = 0; k < line; k++)
    for (let j = 0; j < line; j++) for (let i = 0; i < line; i++) points.push(1.2 + i / n, 1.2 + j / n, 1.2 + k / n);
  const at = (i: number, j: number, k: number) => i + line * (j + line * k);
  const corners: number[] = [];
  for (let k = 0; k < n; k++)
    for (let j = 0; j < n; j++)
      for (let i = 0; i < n; i++)
        corners.push(
          at(i, j, k),
          at(i + 1, j, k),
          at(i + 1, j + 1, k),
          at(i, j + 1, k),
          at(i, j, k + 1),
          at(i + 1, j, k + 1),
          at(i + 1, j + 1, k + 1),
          at(i, j + 1, k + 1),
        );
  return new Mesh({
    points: Float64Array.from(points),
    cells: {
      connectivity: Int32Array.from(corners),
      offsets: Int32Array.from({ length: n ** 3 + 1 }, (_, i) => 8 * i),
      types: new Uint8Array(n ** 3).fill(CellType.HEXAHEDRON),
    },
  });
}

/** A case: a sphere with pressure and friction on its points, a box with velocity on its cells, and a speed. */
export async function writeSphereCase(folder: string, { radius = 1, speed = 10, rings = 6 } = {}): Promise<string> {
  mkdirSync(folder, { recursive: true });
  const surface = sphere(rings, radius);
  const fields = new FieldMap([
    ["p", pointField(surface, 1, (x) => [1 - x * x])],
    ["tau", pointField(surface, 3, (x, y, z) => [1, 0.1 * y, 0.1 * z])],
    ["quality", pointField(surface, 1, () => [1])],
  ]);
  await writeMesh(surface.with({ pointData: fields }), join(folder, "surface.vtp"));
  const volume = box(4);
  const velocity = new Float32Array(3 * volume.numberOfCells).map((_, i) => Math.sin(i));
  await writeMesh(
    volume.with({ cellData: new FieldMap([["U", { values: velocity, shape: [volume.numberOfCells, 3] }]]) }),
    join(folder, "volume.vtu"),
  );
  writeFileSync(join(folder, "inflow.json"), JSON.stringify({ speed }));
  return folder;
}

const CONFIG = (root: string) => `
name: spheres
accelerator: cpu
stage_name: train
store_code_in_output: false
tracker: null
data_specs: &specs
  position_dim: 3
  domains:
    surface: { output_dims: { pressure: 1, friction: 3 } }
    volume: { output_dims: { velocity: 3 } }
  conditioning_dims: { inflow: 1 }
datasets:
  train: &data
    kind: noether.data.datasets.FolderDataset
    root: ${root}
    cases: cases/*/
    split: train
    splits: { train: 0.5, test: 0.5, seed: 0 }
    normalize: auto
    surface: { file: surface.vtp, position: points, pressure: p, friction: tau }
    volume: { file: volume.vtu, position: cell_centers, velocity: U }
    conditions: { inflow: { file: inflow.json, field: speed } }
    pipeline: &pipeline
      kind: noether.data.pipeline.DomainPipeline
      model: ab_upt
      data_specs: *specs
      num_points: 20
      geometry: { domain: surface, num_supernodes: 8 }
  test: { <<: *data, split: test }
model:
  kind: noether.modeling.models.AeroABUPT
  name: ab_upt
  hidden_dim: 24
  geometry_depth: 1
  physics_blocks: [perceiver, self, cross]
  num_domain_decoder_blocks: { surface: 1, volume: 1 }
  supernode_pooling_config: { input_dim: 3, radius: 300 }
  transformer_block_config: { num_heads: 2, mlp_expansion_factor: 2, use_rope: true }
  data_specs: *specs
  forward_properties: &forward [geometry_position, geometry_supernode_idx, geometry_batch_idx, surface_anchor_position, volume_anchor_position, inflow]
  optimizer_config: { kind: torch.optim.AdamW, lr: 1.0e-3 }
trainer:
  kind: noether.training.trainers.WeightedLossTrainer
  max_updates: 2
  effective_batch_size: 1
  field_weights: { surface_pressure: 1.0, surface_friction: 1.0, volume_velocity: 1.0 }
  forward_properties: *forward
  target_properties: [surface_pressure_target, surface_friction_target, volume_velocity_target]
  callbacks:
    - { kind: noether.core.callbacks.CheckpointCallback, every_n_updates: 2, save_latest_weights: true, save_weights: false }
`;

/** Two updates of a small AB-UPT on four spheres of a folder; returns the folder of the run. */
export async function trainSpheres(folder: string): Promise<string> {
  await writeSpheres(folder, 4);
  return runSpheres(folder, "spheres");
}

/** The cases of a folder; half of them are for training. */
export async function writeSpheres(folder: string, count: number): Promise<void> {
  for (let i = 0; i < count; i++)
    await writeSphereCase(join(folder, "cases", `case_${i}`), { radius: 1 + 0.1 * i, speed: 10 + i });
}

/** Trains a small AB-UPT on the spheres of a folder, with overrides; returns the folder of the run. */
export async function runSpheres(folder: string, runId: string, overrides: readonly string[] = []): Promise<string> {
  const file = join(folder, "spheres.yaml");
  writeFileSync(file, CONFIG(folder));
  const parsed = parseHydraArguments([
    file,
    `+run_id=${runId}`,
    `+output_path=${join(folder, "outputs")}`,
    ...overrides,
  ]);
  if (parsed.action !== "run") throw new Error("expected a run");
  await new HydraRunner().run(composeConfig(parsed));
  return join(folder, "outputs", runId, "train");
}
