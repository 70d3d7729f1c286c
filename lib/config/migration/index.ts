/** Configs of the Python framework's release 1.1 in the form of release 2026.4. */
export { migrateConfig, type Migration } from "./migrate";
export { inCurrentForm, migratePlain, type PlainMigration } from "./plain";
export { summarizeChanges, type ConfigChange } from "./section";
export { migrateSlurmKeys, type SlurmMigration } from "./slurm";
export { type Release11, toRelease11 } from "./to-1.1";
