import { HydraRunner, type Experiment, type SetupOptions } from "../../training/runners";

/** Evaluates a finished run: reads its weights only and runs the callbacks once (training-inference-config spec 9). */
export class InferenceRunner extends HydraRunner {
  override async main(options: SetupOptions): Promise<Experiment> {
    return super.main({ ...options, resumeWith: "weights" });
  }

  protected override async execute({ trainer, model }: Experiment): Promise<void> {
    await trainer.eval(model);
  }
}
