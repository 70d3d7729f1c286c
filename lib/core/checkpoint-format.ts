import { customType, refuse } from "../config/schema";

/** Releases of the Python framework in whose form checkpoints and stored configs can be written. All are read. */
export const CHECKPOINT_FORMATS = ["2026.4", "1.1"] as const;
/** One of {@link CHECKPOINT_FORMATS}. */
export type CheckpointFormat = (typeof CHECKPOINT_FORMATS)[number];

/** The field of a config; `1.1` without quotes is a number in YAML. */
export function checkpointFormat() {
  return customType<CheckpointFormat, CheckpointFormat | number>((input, context) => {
    const found = CHECKPOINT_FORMATS.find((format) => format === input || Number(format) === input);
    return found ?? refuse(context, input, CHECKPOINT_FORMATS.map((format) => `"${format}"`).join(" or "));
  });
}
