import type { InputField, OutputField } from "../predict/run-fields";
import type { TrainedRun } from "../run/trained-run";

/** What somebody who gets a model needs to know, as Markdown. */
export function modelCard(run: TrainedRun): string {
  const { name, folder, checkpoint, weights } = run.identity;
  const lines = [
    `# ${name}`,
    "",
    `- model: ${run.model.modelConfig.kind.replace(/^.*\/(?=[^/]+#)/, "")}, ${run.model.paramCount.toLocaleString("en")} parameters`,
    `- run: ${folder.split(/[\\/]/).slice(-2).join("/")}`,
    `- checkpoint: ${checkpoint}${weights === null ? "" : `, ${weights}`}`,
    `- data set: ${run.data.dataset ?? "not stored"}`,
    "",
    "## Inputs",
    "",
    ...run.inputs.map(inputLine),
    "",
    "## Outputs",
    "",
    ...run.outputs.map(outputLine),
    "",
    "Values are in the units of the training data.",
    "",
  ];
  return lines.join("\n");
}

function inputLine({ name, role, domain, channels }: InputField): string {
  const shape = role === "condition" ? `(${channels ?? "C"})` : `(N, ${channels ?? "C"})`;
  return `- \`${name}\` ${shape}, ${role}${domain === "" ? " of the case" : ` of ${domain}`}`;
}

function outputLine({ name, domain, channels }: OutputField): string {
  return `- \`${name}\` (N, ${channels ?? "C"})${domain === "" ? "" : `, at the points of ${domain}`}`;
}
