import type { z } from "zod";
import { inCurrentForm } from "../../config/migration";
import { bool, defineConfig, int, mapping, optional } from "../../config/schema";
import { FieldDimSpec, totalDim } from "./field-dim-spec";

/** What is known and predicted at the points of one domain. */
export const DomainDataSpec = defineConfig("DomainDataSpec", {
  extra: "forbid",
  fields: {
    /** Predicted fields without the domain's prefix, `{ pressure: 1, friction: 3 }`; their order is that of the channels. */
    output_dims: FieldDimSpec,
    /** Inputs beside the position by their full sample keys, `{ surface_sdf: 1 }`; their order is that of the channels. */
    feature_dim: optional(FieldDimSpec),
  },
});
export type DomainDataSpec = z.output<typeof DomainDataSpec>;

/**
 * Which inputs and targets the samples of a data set have, domain by domain: `{ surface: { output_dims: { pressure: 1 } }, volume: … }`.
 *
 * The order of the domains is that of a model's tokens and modules. The keys of release 1.1 of the Python framework
 * (`surface_output_dims`, `volume_feature_dim`, …) are read as the domains `surface` and `volume`.
 */
export const ModelDataSpecs = defineConfig("ModelDataSpecs", {
  extra: "forbid",
  fields: {
    /** Dimensions of a position: 2 or 3. */
    position_dim: int({ ge: 1 }),
    /** One vector per sample, e.g. `inflow_design_parameters: 2`. */
    conditioning_dims: optional(FieldDimSpec),
    /** Fields of each domain, such as `surface` and `volume`, by its name. */
    domains: mapping(DomainDataSpec).default({}),
    /** The model takes the domains' features (`feature_dim`) besides positions. */
    use_physics_features: bool().default(false),
  },
  derived: ["total_output_dim", "all_targets", "all_features"],
  migrate: inCurrentForm,
  check({ domains }, report) {
    const outputs = new Map<string, string>();
    for (const [domain, { output_dims }] of Object.entries(domains)) {
      if (domain === "" || domain.includes(".")) {
        report("the name of a domain is a part of state-dict keys: it must be a word without dots", "domains", domain);
      }
      if (/^\d+$/.test(domain)) {
        report(
          "domains have the order in which they are written, which names of digits lose: add a letter",
          "domains",
          domain,
        );
      }
      for (const field of Object.keys(output_dims)) {
        for (const name of [`${domain}_${field}`, `query_${domain}_${field}`]) {
          const other = outputs.get(name);
          if (other !== undefined) report(`"${name}" is an output of ${other}, too: rename one`, "domains", domain);
          outputs.set(name, `domain ${domain}`);
        }
      }
    }
  },
});
export type ModelDataSpecs = z.output<typeof ModelDataSpecs>;

/** Channels of all outputs of all domains. */
export function totalOutputDim({ domains }: ModelDataSpecs): number {
  return Object.values(domains).reduce((sum, { output_dims }) => sum + totalDim(output_dims), 0);
}

/** `surface_pressure`, …: sample keys of the outputs, in the order of the spec. */
export function allTargets({ domains }: ModelDataSpecs): string[] {
  return Object.entries(domains).flatMap(([domain, { output_dims }]) =>
    Object.keys(output_dims).map((field) => `${domain}_${field}`),
  );
}

/** Sample keys of the features of all domains, each once, in the order of the spec. */
export function allFeatures({ domains }: ModelDataSpecs): string[] {
  return [...new Set(Object.values(domains).flatMap(({ feature_dim }) => Object.keys(feature_dim ?? {})))];
}
