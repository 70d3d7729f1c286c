import type { TrainedRun } from "../run/trained-run";

/** What a client has to know of a run: its inputs and outputs, and which it is. */
export function describeRun(run: TrainedRun) {
  const { name, checkpoint, weights } = run.identity;
  return {
    model: name,
    checkpoint,
    weights,
    parameters: run.model.parameters().reduce((sum, parameter) => sum + parameter.numel(), 0),
    domains: run.domains.filter((domain) => domain !== ""),
    inputs: run.inputs,
    outputs: run.outputs,
  };
}
