/** Registers the initializers under the names that configurations use. */
import { register } from "../config/registry";
import {
  CheckpointInitializerConfig,
  InitializerConfig,
  PreviousRunInitializerConfig,
  ResumeInitializerConfig,
} from "../core/initializers/configs";
import { PreviousRunInitializer } from "./previous-run-initializer";
import { ResumeInitializer } from "./resume-initializer";

register("noether.core.initializers.PreviousRunInitializer", {
  class: PreviousRunInitializer,
  schema: PreviousRunInitializerConfig,
  aliases: ["noether.core.initializers.previous_run.PreviousRunInitializer"],
});
// Base class of both: a configuration, but nothing to construct.
register("noether.core.initializers.CheckpointInitializer", { schema: CheckpointInitializerConfig });
register("noether.core.initializers.ResumeInitializer", {
  class: ResumeInitializer,
  schema: ResumeInitializerConfig,
  aliases: ["noether.core.initializers.resume.ResumeInitializer"],
});

/** The configurations' classes have been at home in two places. */
for (const [name, schema] of Object.entries({
  InitializerConfig,
  CheckpointInitializerConfig,
  PreviousRunInitializerConfig,
  ResumeInitializerConfig,
})) {
  register(`noether.core.schemas.initializers.${name}`, { schema, aliases: [`noether.core.initializers.${name}`] });
}
