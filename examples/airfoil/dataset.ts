import { existsSync } from "node:fs";
import { resolve } from "node:path";
import type { z } from "zod";
import { FileNotFoundError, StandardDatasetConfig, ValueError } from "noether-ts/core";
import { Dataset } from "noether-ts/data";
import { keep, loadSafetensors, scope, type SafetensorsFile, type Tensor } from "noether-ts/torch";
import { AirfoilPipelineConfig } from "./pipeline";

/** `root`: directory with `train.safetensors`, `val.safetensors` and `test.safetensors`. */
export const AirfoilDatasetConfig = StandardDatasetConfig.extend("AirfoilDatasetConfig", {
  fields: { pipeline: AirfoilPipelineConfig },
});
export type AirfoilDatasetConfig = z.output<typeof AirfoilDatasetConfig>;

/** Sample keys and the number of channels of each, as the generator writes them. */
const POINT_FIELDS = {
  surface_position: 2,
  surface_pressure: 1,
  volume_position: 2,
  volume_velocity: 2,
  volume_pressure: 1,
} as const;
const CASE_FIELDS = { inflow_design_parameters: 2, geometry_design_parameters: 3 } as const;

/**
 * RANS solutions around NACA 4-digit airfoils; one sample is one case.
 *
 * | key | shape | unit |
 * |---|---|---|
 * | `surface_position` | (160, 2) | chords; from the trailing edge along the lower side to the leading edge and back |
 * | `surface_pressure` | (160, 1) | pressure coefficient |
 * | `volume_position` | (3072, 2) | chords |
 * | `volume_velocity` | (3072, 2) | free-stream speeds |
 * | `volume_pressure` | (3072, 1) | pressure coefficient |
 * | `inflow_design_parameters` | (2,) | angle of attack in degrees, free-stream speed in m/s |
 * | `geometry_design_parameters` | (3,) | camber, its position, thickness, in chords |
 *
 * Every key passes the normalizer of its name.
 */
export class AirfoilDataset extends Dataset<AirfoilDatasetConfig> {
  static readonly schema = AirfoilDatasetConfig;
  /** Names of the cases, e.g. `naca2412_0`. */
  readonly names: readonly string[];

  constructor(config: AirfoilDatasetConfig) {
    super(config);
    const path = resolve(config.root, `${config.split}.safetensors`);
    const { names, tensors } = readCases(path);
    this.names = names;
    for (const [key, stacked] of tensors) this.addGetter(key, (index) => stacked.select(0, index), { normalize: true });
  }

  override get length(): number {
    return this.names.length;
  }
}

/** All tensors of a file, float32, the first dimension being the case. */
function readCases(path: string): { names: string[]; tensors: Map<string, Tensor> } {
  if (!existsSync(path)) {
    throw new FileNotFoundError(
      `AirfoilDataset: expected the data file ${path}, but there is none; set dataset_root, or make the data with node examples/airfoil/generate/generate.mjs`,
    );
  }
  return scope(() => {
    const { tensors, metadata } = open(path);
    const names = JSON.parse(metadata["cases"] ?? "[]") as string[];
    const result = new Map<string, Tensor>();
    for (const [key, channels] of Object.entries({ ...POINT_FIELDS, ...CASE_FIELDS })) {
      const tensor = tensors.get(key);
      const dims = key in POINT_FIELDS ? 3 : 2;
      if (!tensor || tensor.ndim !== dims || tensor.size(0) !== names.length || tensor.size(-1) !== channels) {
        const found = tensor ? `(${tensor.shape.join(", ")})` : "nothing";
        const expected = `(${names.length}, ${dims === 3 ? "points, " : ""}${channels})`;
        throw new ValueError(
          `AirfoilDataset: expected ${path} to hold "${key}" of shape ${expected}, one for each of its ${names.length} cases, received ${found}`,
        );
      }
      result.set(key, keep(tensor.to("float32")));
    }
    return { names, tensors: result };
  });
}

function open(path: string): SafetensorsFile {
  try {
    return loadSafetensors(path);
  } catch (error) {
    throw new ValueError(
      `AirfoilDataset: the data file ${path} is short or damaged (${(error as Error).message}); restore it with git checkout`,
      { cause: error },
    );
  }
}
