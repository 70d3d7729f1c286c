/** What `torch.utils` has that fits here. */
export { checkpoint } from "./nn/activation-checkpoint";
