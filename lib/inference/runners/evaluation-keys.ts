/** Keys that say which run is evaluated, and from which weights; other keys change the stored config. */
export const EVALUATION_KEYS = {
  input_dir: {
    value: "DIR",
    does: "output root of the training run, also hf://org/name[@revision] and s3://bucket/prefix (required)",
  },
  run_id: { value: "RUN", does: "the run (required)" },
  stage_name: { value: "STAGE", does: "its stage (default: none)" },
  resume_checkpoint: {
    value: "TAG",
    does: "latest, last, E10, U500, S4000, or a tag such as best_model.loss.test.total (default: latest)",
  },
  model_info: { value: "NAME", does: "other weights of the checkpoint, e.g. ema=0.9999" },
} as const;

/** One of {@link EVALUATION_KEYS}. */
export type EvaluationKey = keyof typeof EVALUATION_KEYS;
