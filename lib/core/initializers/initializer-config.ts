import type { z } from "zod";
import { register } from "../../config/registry";
import { any, defineConfig, mapping, oneOf, optional, registered, str } from "../../config/schema";
import { existingRunId, fileNamePart, fileNameProblem, stageName } from "../providers/run-path";

/** What every initializer has; the config of a class of one's own that declares none. */
export const InitializerBaseConfig = defineConfig("InitializerBaseConfig", {
  extra: "forbid",
  fields: {
    /** Initializer class. */
    kind: str(),
    /** Further entries of the initializer's second argument. Those of the framework have none, and say so. */
    kwargs: optional(mapping(any())),
  },
});
export type InitializerBaseConfig = z.output<typeof InitializerBaseConfig>;

/** What every initializer that reads another run has. */
export const InitializerConfig = InitializerBaseConfig.extend("InitializerConfig", {
  fields: {
    kind: str().default("noether.core.initializers.PreviousRunInitializer"),
    /** Run to read from. */
    run_id: existingRunId(),
    /** Stage of that run; null: none. */
    stage_name: optional(stageName()),
    /** Name part of the checkpoint file; null: the model's name. */
    model_name: optional(fileNamePart()),
    /** `latest`, `E1_U10_S40`, … or a mapping of `epoch`, `update`, `sample`: one of them or all. */
    checkpoint_tag: optional(oneOf(str(), mapping(any()))),
    /** Infix of the file name, e.g. `ema=0.9999`. */
    model_info: optional(fileNamePart()),
  },
  check: ({ checkpoint_tag: tag }, report) => {
    const problem = typeof tag === "string" ? fileNameProblem(tag) : null;
    if (problem !== null) report(problem, "checkpoint_tag");
  },
});
export type InitializerConfig = z.output<typeof InitializerConfig>;

register("noether.core.schemas.initializers.InitializerConfig", {
  schema: InitializerConfig,
  aliases: ["noether.core.initializers.InitializerConfig"],
});

/** An initializer of a model or trainer, chosen by its `kind`, which is required. */
export const AnyInitializer = registered(InitializerBaseConfig, { withoutKind: null });
export type AnyInitializer = InitializerBaseConfig;
