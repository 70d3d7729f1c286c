import { register } from "../../../lib/config/registry";
import {
  any,
  bool,
  defineConfig,
  float,
  int,
  list,
  mapping,
  optional,
  registered,
  shared,
  str,
} from "../../../lib/config/schema";

/** Classes with the fields of release 2026.4 that stand in place of old ones. */
export const Specs = defineConfig("Specs", {
  fields: { position_dim: int(), domains: mapping(any()), use_physics_features: bool() },
});
export const Block = defineConfig("Block", {
  fields: { num_heads: int(), attention_constructor: str(), attention_arguments: any(), max_wavelength: any() },
});
export const Model = defineConfig("Model", { fields: { kind: str() } });
export const Branches = Model.extend("Branches", {
  fields: {
    data_specs: Specs,
    transformer_block_config: shared(Block),
    physics_blocks: list(str()),
    num_domain_decoder_blocks: mapping(int()),
  },
});
export const Slices = Model.extend("TransolverConfig", { fields: { transformer_block_config: shared(Block) } });
export const Both = Model.extend("Both", {
  fields: { first: optional(registered(Model)), second: optional(registered(Model)) },
});
export const Own = Model.extend("Own", {
  fields: { num_surface_blocks: int(), normalizers: any(), surface_output_dims: any() },
});
export const Schedule = defineConfig("Schedule", {
  fields: { kind: str(), warmup_percent: optional(float()), max_value: float() },
});
export const Scheduled = Model.extend("Scheduled", {
  fields: { optimizer_config: any(), schedules: list(registered(Schedule)) },
});
export const DataSet = defineConfig("DataSet", {
  fields: { kind: str(), dataset_normalizers: optional(mapping(any())) },
});
export const Trainer = defineConfig("Trainer", {
  fields: { kind: str(), effective_batch_size: int(), callbacks: optional(list(any())), checkpoint_format: any() },
});
export const Root = defineConfig("Root", {
  fields: {
    datasets: mapping(registered(DataSet)),
    model: registered(Model),
    trainer: registered(Trainer),
    slurm: optional(any()),
  },
});

/** Registers them as `test.migration.<name>`. */
export function registerClasses(): void {
  for (const schema of [Branches, Slices, Both, Own, Schedule, Scheduled, DataSet, Trainer])
    register(`test.migration.${schema.configName}`, { schema });
}
