import { ValueError } from "../../config/python-errors";

/** What `checkpoint_tag` of an initializer takes: a tag, or one component of it. */
export type CheckpointSelector = string | { epoch?: number; update?: number; sample?: number };

const COMPONENTS = { E: "epoch", U: "update", S: "sample" } as const;

/**
 * Reads `resume_checkpoint`: null is `latest`; `E10`, `U500`, `S4000` name the checkpoint of an epoch, update or sample
 * count; everything else (`latest`, `best_model.loss.test.total`, `E10_U100_S200`, …) is a tag.
 */
export function parseCheckpointSelector(text: string | null): CheckpointSelector {
  if (text === null) return "latest";
  if (text.trim() === "")
    throw new ValueError(
      'expected a checkpoint such as "latest", "E10" or "E10_U100_S200" in resume_checkpoint, received ""',
    );
  const match = /^([EUS])(\d+)$/.exec(text);
  if (!match) return text;
  return { [COMPONENTS[match[1] as keyof typeof COMPONENTS]]: Number(match[2]) };
}
