export { DeepPerceiverDecoder, DeepPerceiverDecoderConfig } from "./deep-perceiver-decoder";
