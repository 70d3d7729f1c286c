import type { DescribedRun } from "../predict/run-fields";
import type { CaseFiles } from "./case-files";

/** What the points of a run without domains are called in files. */
const POINTS = "points";
const prefixed = (name: string): string => `${POINTS}_${name}`;

/** A run whose model has no domains, as one with the domain `points`. */
export function withOneDomain(run: DescribedRun): DescribedRun {
  return {
    ...run,
    domains: [POINTS],
    inputs: run.inputs.map((input) =>
      input.role === "condition" ? input : { ...input, name: prefixed(input.name), domain: POINTS },
    ),
    outputs: run.outputs.map((output) => ({ ...output, name: prefixed(output.name), domain: POINTS })),
    datasetConfig: run.datasetConfig,
    dtype: run.dtype,
  };
}

/** A case that was read for {@link withOneDomain}, by the names of the run itself. */
export function withoutDomains({ name, inputs, domains }: CaseFiles): CaseFiles {
  const own = (key: string): string => (key.startsWith(prefixed("")) ? key.slice(prefixed("").length) : key);
  return {
    name,
    inputs: Object.fromEntries(Object.entries(inputs).map(([key, value]) => [own(key), value])),
    domains: domains.map((domain) => ({
      ...domain,
      name: "",
      truth: new Map([...domain.truth].map(([key, value]) => [own(key), value])),
    })),
  };
}
