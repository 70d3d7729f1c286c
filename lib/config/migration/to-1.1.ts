import { toWritable } from "../yaml/to-writable";
import { fromPlain, isNull, listNode, mapNode, scalarNode, toPlain, type MapNode, type Node } from "../yaml/nodes";
import type { AnyConfigClass } from "../schema/config-class";
import type { ConfigProblem } from "../errors";
import { applyRules } from "./migrate";
import type { Rule, Section } from "./section";

/** A config in the form of release 1.1. */
export interface Release11 {
  /** As values for YAML and checkpoints: floats stay floats. */
  readonly plain: Record<string, unknown>;
  /** What of a model that release cannot say. */
  readonly problems: readonly ConfigProblem[];
}

/** Models and optimizers that came with release 2026.4, by the end of their kinds. */
const NEW_CLASSES = ["AeroABUPT", "AeroUPT", "AeroTransformer", "AeroTransolver", "MuonComposite"];

const RULES: readonly Rule[] = [
  refuseNewClasses,
  restoreDecoderBlocks,
  restoreBlockNames,
  restoreDataSpecs,
  writeAttention,
  restoreWavelength,
  dropNewKeys,
  restoreSlurm,
];

/**
 * Writes a config of this release in the form of 1.1 of the Python framework, so that it can be read there: `hp_resolved.yaml`, and
 * `model_config` of checkpoints.
 *
 * @param dump - what `dumpConfig` gives
 * @param type - the class of the config
 */
export function toRelease11(dump: Readonly<Record<string, unknown>>, type: AnyConfigClass): Release11 {
  const { tree, problems } = applyRules(fromPlain(dump) as MapNode, type, RULES);
  return { plain: toWritable(tree) as Record<string, unknown>, problems };
}

function refuseNewClasses(section: Section): void {
  const kind = section.text("kind");
  const name = kind?.slice(kind.lastIndexOf(".") + 1);
  if (kind?.startsWith("noether.") && NEW_CLASSES.includes(name!))
    section.problem("kind", `release 1.1 has no ${name}: write checkpoints in the form of 2026.4`, section.get("kind"));
}

/** `num_surface_blocks` and `num_volume_blocks`. */
function restoreDecoderBlocks(section: Section): void {
  const key = "num_domain_decoder_blocks";
  const counts = section.hasField(key) ? section.get(key) : undefined;
  if (counts?.type !== "map") return;
  section.take(key);
  for (const [domain, count] of counts.entries) {
    if (domain === "surface" || domain === "volume") section.node.entries.set(`num_${domain}_blocks`, count);
  }
}

/** `shared` for `self`. */
function restoreBlockNames(section: Section): void {
  if (!section.hasField("num_domain_decoder_blocks")) return;
  section.take("untied_square_weights");
  const blocks = section.get("physics_blocks");
  if (blocks?.type !== "list") return;
  const names = blocks.items.map((item) => toPlain(item));
  const untied = names.find((name) => typeof name === "string" && name.endsWith("_untied"));
  if (untied !== undefined) section.problem("physics_blocks", `release 1.1 has no "${String(untied)}" blocks`, blocks);
  if (!names.some((name) => String(name).startsWith("perceiver"))) {
    const message =
      "release 1.1 has a geometry encoder in every AB-UPT, this model without perceiver blocks has none: its weights would be incomplete there";
    section.problem("physics_blocks", message, blocks);
  }
  section.node.entries.set(
    "physics_blocks",
    listNode(
      names.map((name) => fromPlain(name === "self" ? "shared" : name)),
      blocks.source,
    ),
  );
}

/** `surface_output_dims`, …; there are these two domains only, the surface first. */
function restoreDataSpecs(section: Section): void {
  const domains = section.hasField("position_dim") ? section.get("domains") : undefined;
  if (domains?.type !== "map") return;
  const names = [...domains.entries.keys()].join(", ");
  if (names !== "surface" && names !== "surface, volume") {
    section.problem(
      "domains",
      `release 1.1 has the domains surface and volume, in this order, not ${names || "none"}`,
      domains,
    );
    return;
  }
  section.take("domains");
  for (const [domain, specs] of domains.entries) {
    if (specs.type !== "map") continue;
    for (const key of ["output_dims", "feature_dim"] as const) {
      const node = specs.entries.get(key);
      if (node !== undefined) section.node.entries.set(`${domain}_${key}`, node);
    }
  }
}

/** The attention of a Transolver's blocks: release 1.1 takes it from the block config alone. */
function writeAttention(section: Section): void {
  const names = namesOf(section.type);
  // the tutorial tells the two apart by the model's name
  const isPlusPlus = names.includes("TransolverPlusPlusConfig") || section.text("name") === "transolver_plusplus";
  const isTransolver = names.some((name) => /^Transolver(PlusPlus)?Config$/.test(name));
  const attention = !isTransolver ? null : isPlusPlus ? "transolver_plusplus" : "transolver";
  const block = section.get("transformer_block_config");
  if (attention === null || block?.type !== "map") return;
  if (!block.entries.has("attention_constructor"))
    block.entries.set("attention_constructor", scalarNode(attention, block.source));
  if (toPlain(block.entries.get("attention_constructor")!) === "dot_product") return;
  const slices = section.get("attention_arguments") ?? fromPlain({ num_slices: 512 });
  if (isNull(block.entries.get("attention_arguments")) || isEmpty(block.entries.get("attention_arguments")))
    block.entries.set("attention_arguments", slices);
}

function isEmpty(node: Node | undefined): boolean {
  return node === undefined || (node.type === "map" && node.entries.size === 0);
}

function namesOf(type: AnyConfigClass | undefined): string[] {
  return type === undefined ? [] : [type.configName, ...namesOf(type.parent)];
}

/** The longest wavelength of rotary positions, which was 10000 always. */
function restoreWavelength(section: Section): void {
  if (!section.hasField("num_heads") || !section.hasField("max_wavelength")) return;
  const node = section.get("max_wavelength");
  if (node !== undefined && toPlain(node) !== 10000)
    section.problem("max_wavelength", "release 1.1 has the wavelength 10000 only", node);
  else section.take("max_wavelength");
}

/** Keys of trainers and callbacks without which weights are the same. */
function dropNewKeys(section: Section): void {
  if (section.hasField("effective_batch_size")) {
    section.take("checkpoint_format");
    section.take("dataloader_prefetch_factor");
    section.take("capture");
    section.take("shard_optimizer_state");
    section.take("activation_checkpointing");
  }
  if (section.hasField("keep_last")) {
    for (const key of ["keep_last", "keep_every", "keep_best", "metric_key"]) section.take(key);
  }
  if (section.hasField("target_factors")) section.take("eval_callbacks");
}

/** The `slurm` section: what release 1.1 has a key for. */
function restoreSlurm(section: Section): void {
  const slurm = section.hasField("slurm") ? section.get("slurm") : undefined;
  if (slurm?.type !== "map") return;
  const { name, slurm_partition, nodes, tasks_per_node, cpus_per_task, gpus_per_node, mem_gb, timeout_min, ...rest } =
    toPlain(slurm) as Record<string, unknown>;
  const extra = (rest["slurm_additional_parameters"] ?? {}) as Record<string, unknown>;
  const known = ["ntasks", "gpus", "gres", "reservation", "begin", "output", "error", "nice", "chdir"];
  const old: Record<string, unknown> = {
    job_name: name,
    partition: slurm_partition,
    nodes,
    ntasks_per_node: tasks_per_node,
    cpus_per_task,
    gpus_per_node,
    mem: typeof mem_gb === "number" ? `${Math.ceil(mem_gb * 1024)}M` : mem_gb,
    time: timeout_min === 0 ? "UNLIMITED" : typeof timeout_min === "number" ? String(timeout_min) : timeout_min,
    ...Object.fromEntries(known.filter((key) => key in extra).map((key) => [key, extra[key]])),
  };
  const given = Object.entries(old).filter(([, value]) => value !== undefined);
  section.node.entries.set(
    "slurm",
    mapNode(
      given.map(([key, value]) => [key, fromPlain(value)] as const),
      slurm.source,
    ),
  );
}
