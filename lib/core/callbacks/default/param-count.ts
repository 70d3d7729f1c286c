import type { FieldType } from "../../../config/schema";
import { register } from "../../../config/registry";
import { shortNumberStr } from "../../logging/formatters";
import type { ModelBase } from "../../models/base";
import { CompositeModel } from "../../models/composite";
import { snakeTypeName } from "../../naming";
import { CallbackBase } from "../base";
import { CallBackBaseConfig } from "../base-config";

interface Row {
  readonly name: string;
  readonly trainable: number;
  readonly frozen: number;
}

/**
 * Reports the number of weights: log lines, and `param_count/{name}` (`/trainable`, `/frozen`) in the summary, also of the whole as
 * `param_count/total`.
 */
export class ParamCountCallback extends CallbackBase {
  static readonly schema: FieldType = CallBackBaseConfig;

  override async beforeTraining(): Promise<void> {
    const summary: Record<string, number> = {};
    const rows = rowsOf(this.model, null);
    // a model alone is the whole, too
    const total = rows.length === 1 ? rows.map((row) => ({ ...row, name: "total" })) : [];
    for (const { name, trainable, frozen } of rows) {
      this.logger.info(
        `parameters of ${name}: ${shortNumberStr(trainable)} trainable, ${shortNumberStr(frozen)} frozen`,
      );
    }
    for (const { name, trainable, frozen } of [...total, ...rows]) {
      summary[`param_count/${name}/trainable`] = trainable;
      summary[`param_count/${name}/frozen`] = frozen;
      summary[`param_count/${name}`] = trainable + frozen;
    }
    await this.tracker.updateSummary(summary);
  }
}

register("noether.core.callbacks.ParamCountCallback", {
  class: ParamCountCallback,
  aliases: [
    "noether.core.callbacks.default.ParamCountCallback",
    "noether.core.callbacks.default.param_count.ParamCountCallback",
  ],
});

/** One row per model; a composite's row comes before those of its submodels. */
function rowsOf(model: ModelBase, trace: string | null): Row[] {
  if (!(model instanceof CompositeModel)) {
    const own = snakeTypeName(model);
    return [
      {
        name: trace === null ? own : `${trace}.${own}`,
        trainable: model.trainableParamCount,
        frozen: model.frozenParamCount,
      },
    ];
  }
  const submodels = Object.entries(model.submodels).filter((entry): entry is [string, ModelBase] => entry[1] !== null);
  const sum = (count: (submodel: ModelBase) => number): number =>
    submodels.reduce((total, [, submodel]) => total + count(submodel), 0);
  return [
    {
      name: trace ?? "total",
      trainable: sum((submodel) => submodel.trainableParamCount),
      frozen: sum((submodel) => submodel.frozenParamCount),
    },
    ...submodels.flatMap(([key, submodel]) => rowsOf(submodel, trace === null ? key : `${trace}.${key}`)),
  ];
}
