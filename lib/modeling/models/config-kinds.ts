/** Names of the models' config classes as checkpoints store them (`config_kind`); the Python framework looks them up there. */
import { register } from "../../config/registry";
import { AnchorBranchedUPTConfig } from "./ab-upt/config";
import { TransformerConfig } from "./transformer";
import { TransolverConfig, TransolverPlusPlusConfig } from "./transolver";
import { UPTConfig } from "./upt";

const schemas = "noether.core.schemas.models";
register(`${schemas}.ab_upt.AnchorBranchedUPTConfig`, { schema: AnchorBranchedUPTConfig });
register(`${schemas}.upt.UPTConfig`, { schema: UPTConfig });
register(`${schemas}.transformer.TransformerConfig`, { schema: TransformerConfig });
register(`${schemas}.transolver.TransolverConfig`, { schema: TransolverConfig });
register(`${schemas}.transolver.TransolverPlusPlusConfig`, { schema: TransolverPlusPlusConfig });
