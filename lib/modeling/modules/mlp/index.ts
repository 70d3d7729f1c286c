export { MLP, MLPConfig } from "./mlp";
export { UpActDownMlp, UpActDownMLPConfig } from "./up-act-down-mlp";
