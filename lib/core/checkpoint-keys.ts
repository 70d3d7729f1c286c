/** Keys inside checkpoint files; the same as in the Python framework, whose files are read and written. */
export const CheckpointKeys = {
  STATE_DICT: "state_dict",
  CHECKPOINT_TAG: "checkpoint_tag",
  TRAINING_ITERATION: "training_iteration",
  RUN_ID: "run_id",
  MODEL_CONFIG: "model_config",
  CONFIG_KIND: "config_kind",
  CALLBACK_STATE_DICT: "callback_state_dicts",
  GRAD_SCALER: "grad_scaler",
  /** Random streams of training; the Python framework stores none and ignores the key. */
  RANDOM_STATE: "random_state",
} as const;

/** Key in the trainer's timings: seconds spent waiting for data. */
export const TRAINING_DATA_WAIT_TIME = "data_wait";

/** Key in the trainer's timings: seconds of forward and backward. */
export const TRAINING_UPDATE_TIME = "update";
