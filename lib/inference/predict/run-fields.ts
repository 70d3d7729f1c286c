import { configClassOf } from "../../config/schema";
import { allTargets, ModelDataSpecs } from "../../core/data-specs";
import type { ModelBaseConfig } from "../../core/models";
import type { DataDescription } from "./data-description";

/** Precisions of predictions. */
export type Precision = "float32" | "float64";

/** A field that a model predicts at the points of a domain. */
export interface OutputField {
  /** Sample key, `surface_pressure`. */
  readonly name: string;
  /** `surface`; empty where the model has no domains. */
  readonly domain: string;
  /** Name within the domain, `pressure`. */
  readonly field: string;
  /** Null where neither config nor run says it before the first prediction. */
  readonly channels: number | null;
}

/** An input of a model: what {@link TrainedRun.predict} wants. */
export interface InputField {
  /** Sample key, `surface_position`. */
  readonly name: string;
  /** Positions (N, P) and features (N, C) of the points of a domain, or a vector (C) of the whole case. */
  readonly role: "position" | "feature" | "condition";
  /** Empty for conditions, and where the model has no domains. */
  readonly domain: string;
  readonly channels: number | null;
}

/** What goes into a model and what comes out. */
export interface RunFields {
  /** Names of the domains in the order of the model; `[""]` where it has none. */
  readonly domains: readonly string[];
  readonly inputs: readonly InputField[];
  readonly outputs: readonly OutputField[];
}

/** What is known of a run without its weights: what goes in, what comes out, and the config of its data set. */
export interface DescribedRun extends RunFields {
  /** Precision of inputs and predicted fields. */
  readonly dtype: Precision;
  /** `datasets.<key>` of the stored config, whose pipeline and normalizers are used; null: none is stored. */
  readonly datasetConfig: Readonly<Record<string, unknown>> | null;
}

/** Sample key of the positions of a domain. */
export function positionKey(domain: string): string {
  return domain === "" ? "position" : `${domain}_position`;
}

/** The data specs in a model's config; null without. */
export function dataSpecsOf(model: ModelBaseConfig): ModelDataSpecs | null {
  const { data_specs } = model as { data_specs?: unknown };
  if (typeof data_specs !== "object" || data_specs === null) return null;
  if (configClassOf(data_specs) === ModelDataSpecs) return data_specs as ModelDataSpecs;
  return ModelDataSpecs.safeParse(data_specs).data ?? null;
}

/** Sample keys of the fields that a run predicts: by its data specs, else by the targets of its trainer. */
export function outputKeys(specs: ModelDataSpecs | null, targets: readonly string[]): string[] {
  if (specs !== null) return allTargets(specs);
  return targets.filter((name) => !name.startsWith("query_")).map((name) => name.replace(/_target$/, ""));
}

/** Inputs and outputs by the data specs of the model, and where it has none by the keys of its data set. */
export function fieldsOf(
  specs: ModelDataSpecs | null,
  targets: readonly string[],
  { sampleKeys }: Pick<DataDescription, "sampleKeys">,
): RunFields {
  if (specs === null) return withoutSpecs(outputKeys(null, targets), sampleKeys ?? []);
  const inputs: InputField[] = [];
  const outputs: OutputField[] = [];
  for (const [domain, { output_dims, feature_dim }] of Object.entries(specs.domains)) {
    inputs.push({ name: positionKey(domain), role: "position", domain, channels: specs.position_dim });
    if (specs.use_physics_features) {
      for (const [name, channels] of Object.entries(feature_dim ?? {}))
        inputs.push({ name, role: "feature", domain, channels });
    }
    for (const [field, channels] of Object.entries(output_dims))
      outputs.push({ name: `${domain}_${field}`, domain, field, channels });
  }
  for (const [name, channels] of Object.entries(specs.conditioning_dims ?? {}))
    inputs.push({ name, role: "condition", domain: "", channels });
  return { domains: Object.keys(specs.domains), inputs, outputs };
}

/** A model without data specs: what its data set has and the loss does not compare is an input. */
function withoutSpecs(outputNames: readonly string[], sampleKeys: readonly string[]): RunFields {
  const domains = sampleKeys
    .filter((key) => key === "position" || key.endsWith("_position"))
    .map((key) => key.replace(/_?position$/, ""));
  const domainOf = (key: string): string =>
    domains.find((domain) => domain !== "" && key.startsWith(`${domain}_`)) ?? "";
  const inputs = sampleKeys
    .filter((key) => !outputNames.includes(key))
    .map((name): InputField => {
      const isPosition = domains.some((domain) => name === positionKey(domain));
      const domain = isPosition ? name.replace(/_?position$/, "") : domainOf(name);
      return { name, role: isPosition ? "position" : domain === "" ? "condition" : "feature", domain, channels: null };
    });
  const outputs = outputNames.map((name) => {
    const domain = domainOf(name);
    return { name, domain, field: domain === "" ? name : name.slice(domain.length + 1), channels: null };
  });
  return { domains: domains.length > 0 ? domains : [""], inputs, outputs };
}
