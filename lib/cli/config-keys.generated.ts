/** Keys that the help of commands lists. Written by `npm run generate` from the schemas of configs. */
import type { KeyRow } from "../config/schema/key-table";

/** Keys of ConfigSchema. */
export const RUN_KEYS: readonly KeyRow[] = [
  { key: "name", value: "TEXT", does: "Experiment name, the base of the run name" },
  { key: "accelerator", value: "cpu|gpu|mps", does: "Where it computes. Default: gpu where there is one, else cpu" },
  { key: "stage_name", value: "VALUE", does: "Sub-directory of the run directory; null: none" },
  { key: "dataset_kind", value: "TEXT", does: "Class of the data sets, for configs that refer to it" },
  { key: "dataset_root", value: "TEXT", does: "Folder of the data sets, for configs that refer to it" },
  { key: "resume_run_id", value: "VALUE", does: "Run to continue" },
  { key: "resume_stage_name", value: "VALUE", does: "Its stage; null: none" },
  { key: "resume_checkpoint", value: "VALUE", does: "latest, a tag, or E10, U500, S4000; null: latest" },
  { key: "seed", value: "N", does: "Of all random numbers (default: 0)" },
  {
    key: "sample_order",
    value: "2026.4|1.1",
    does: "In which order a seed puts the training samples: as this release of the Python framework, or as release 1.1, to repeat a run (default: 2026.4)",
  },
  { key: "dataset_statistics", value: "MAPPING", does: "Statistics of fields, for configs that refer to them" },
  {
    key: "tracker",
    value: "VALUE",
    does: "Where metrics go beside the folder of the run, by its kind; null or disabled: nowhere",
  },
  {
    key: "run_id",
    value: "VALUE",
    does: "Name of the folder of the run. Null: the number of the Slurm job (<array job>_<task>), else made from date and five random characters",
  },
  { key: "devices", value: "TEXT", does: 'Device indices as a quoted list, "0,1"' },
  {
    key: "num_workers",
    value: "N",
    does: "Threads that load samples, for training and callbacks together. 0: the process itself; null: as many as seem useful",
  },
  {
    key: "cudnn_benchmark",
    value: "true|false",
    does: "On a GPU, cuDNN tries its algorithms for each new shape and takes the fastest (default: true)",
  },
  {
    key: "cudnn_deterministic",
    value: "true|false",
    does: "On a GPU, only algorithms that give the same result each time (default: false)",
  },
  {
    key: "datasets",
    value: "MAPPING",
    does: "Data sets by name: train is the training set; without it the first one (required)",
  },
  { key: "model", value: "MAPPING", does: "The model, by its kind (required)" },
  { key: "trainer", value: "MAPPING", does: "The trainer, by its kind (required)" },
  { key: "debug", value: "true|false", does: "Verbose console, no tracker, output below debug/ (default: false)" },
  {
    key: "log_level",
    value: "debug|info|warning|error",
    does: "Least severity that the console prints (log.txt has everything); null: info, with debug: true debug",
  },
  { key: "development_batch_size", value: "N", does: "Samples that noether-development looks at (default: 2)" },
  {
    key: "store_code_in_output",
    value: "true|false",
    does: "Keeps code.tar.gz, the files of the working tree, in the folder of the run (default: true)",
  },
  {
    key: "dashboard",
    value: "true|false",
    does: "A page that shows the run while it trains, on this machine alone; its address is printed. Needs the package fastify (default: false)",
  },
  {
    key: "report",
    value: "true|false",
    does: "Writes report.html into the folder of the run at its end (default: true)",
  },
  {
    key: "output_path",
    value: "VALUE",
    does: "Where the folders of runs are. Default: slurm.folder, if there is that section",
  },
  {
    key: "master_port",
    value: "VALUE",
    does: "Port on which the first of several processes waits for the others, or [low, high] to draw one from. Default: MASTER_PORT, else a random one",
  },
  { key: "slurm", value: "VALUE", does: "How noether-train-submit-job gives the run to Slurm" },
];

/** Keys of BaseTrainerConfig. */
export const TRAINER_KEYS: readonly KeyRow[] = [
  { key: "kind", value: "TEXT", does: "Trainer class (required)" },
  {
    key: "max_epochs",
    value: "N",
    does: "Length of the run; one of max_epochs, max_updates and max_samples has to be given",
  },
  { key: "max_updates", value: "N", does: "The same in optimizer steps" },
  { key: "max_samples", value: "N", does: "The same in samples" },
  { key: "start_at_epoch", value: "N", does: "Counters and schedules start here; not together with an initializer" },
  {
    key: "add_default_callbacks",
    value: "true|false",
    does: "Adds those that log losses, learning rates, times and progress (default: true)",
  },
  {
    key: "add_trainer_callbacks",
    value: "true|false",
    does: "Adds those that the trainer's class has (default: true)",
  },
  { key: "effective_batch_size", value: "N", does: "Samples per optimizer step over all processes (required)" },
  {
    key: "precision",
    value: "float32|fp32|float16|fp16|bfloat16|bf16",
    does: "Autocast type of forward passes; parameters stay float32 (default: float32)",
  },
  { key: "callbacks", value: "LIST", does: "What happens during training, by kind; may be null (required)" },
  { key: "initializer", value: "MAPPING", does: "Where the state of training comes from, by its kind" },
  {
    key: "log_every_n_epochs",
    value: "N",
    does: "Interval of the lines that the console prints. Default: a hundredth of the run",
  },
  { key: "log_every_n_updates", value: "N", does: "The same in updates; at most one of the three" },
  { key: "log_every_n_samples", value: "N", does: "The same in samples" },
  {
    key: "track_every_n_epochs",
    value: "N",
    does: "Interval of the metrics of the default callbacks. Default: a five-hundredth of the run",
  },
  { key: "track_every_n_updates", value: "N", does: "The same in updates; at most one of the three" },
  { key: "track_every_n_samples", value: "N", does: "The same in samples" },
  {
    key: "max_batch_size",
    value: "N",
    does: "Most samples of one forward pass over all processes; switches gradient accumulation on",
  },
  {
    key: "skip_nan_loss",
    value: "true|false",
    does: "Leaves out an update whose loss is NaN, instead of ending the run (default: false)",
  },
  {
    key: "skip_nan_loss_max_count",
    value: "N",
    does: "So many skipped updates in a row are an error after all (default: 100)",
  },
  {
    key: "disable_gradient_accumulation",
    value: "true|false",
    does: "Ignores max_batch_size. Default: false with max_batch_size, else true",
  },
  {
    key: "checkpoint_format",
    value: "VALUE",
    does: "Release of the Python framework that reads the run's checkpoints and hp_resolved.yaml. All are read here (default: 2026.4)",
  },
  {
    key: "save_on_sigint",
    value: "true|false",
    does: "Ctrl-C ends training as SIGTERM does: after the update, with a checkpoint (default: false)",
  },
  {
    key: "capture",
    value: "true|false",
    does: "Records forward pass, loss, backward pass and optimizer step once per batch shape as a CUDA graph, and replays it; see docs/capture.md (default: false)",
  },
  {
    key: "activation_checkpointing",
    value: "true|false",
    does: "Blocks of the model keep their inputs only, and are computed again in the backward pass: less memory, more time (default: false)",
  },
  { key: "use_torch_compile", value: "true|false", does: "Means capture: there is no compiler (default: false)" },
  {
    key: "find_unused_params",
    value: "true|false",
    does: "Of several processes: parameters may have no part in a loss, and each update looks for them. Without it such an update is an error (default: false)",
  },
  {
    key: "static_graph",
    value: "true|false",
    does: "Of several processes: every update uses the same parameters, some perhaps never; the first one finds out which (default: false)",
  },
  {
    key: "shard_optimizer_state",
    value: "true|false",
    does: "Of several processes: each keeps the optimizer's state of its share of the parameters (ZeRO stage 1); see docs/distributed.md (default: false)",
  },
  { key: "dataloader_prefetch_factor", value: "N", does: "Batches that each loader worker loads ahead; null: 2" },
  { key: "forward_properties", value: "LIST", does: "Batch keys handed to the model" },
  { key: "target_properties", value: "LIST", does: "Batch keys handed to the loss" },
];

/** Keys of SlurmConfig. */
export const SLURM_KEYS: readonly KeyRow[] = [
  {
    key: "folder",
    value: "VALUE",
    does: "Job scripts and logs, relative to the working directory; %u is the name of the user (default: submitit_logs)",
  },
  { key: "name", value: "VALUE", does: "Name of the job" },
  { key: "nodes", value: "N", does: "Machines" },
  { key: "tasks_per_node", value: "N", does: "Processes on each, started by srun" },
  { key: "cpus_per_task", value: "N", does: "Processor cores of each" },
  { key: "gpus_per_node", value: "VALUE", does: "GPUs of each machine: 2 or a100:2" },
  { key: "mem_gb", value: "NUMBER", does: "Memory of each node in GB (of 1024 MB); 0: all of it" },
  { key: "timeout_min", value: "N", does: "Minutes until the job is ended; 0: no limit (default: 0)" },
  { key: "stderr_to_stdout", value: "true|false", does: "One log for both" },
  { key: "slurm_partition", value: "VALUE", does: "Partition that the job waits in" },
  { key: "slurm_array_parallelism", value: "N", does: "Tasks of an array that run at the same time" },
  { key: "slurm_setup", value: "LIST", does: "Lines of shell before training" },
  {
    key: "slurm_additional_parameters",
    value: "MAPPING",
    does: "Other options of sbatch: { account: x, exclusive: true } is --account=x --exclusive",
  },
];
