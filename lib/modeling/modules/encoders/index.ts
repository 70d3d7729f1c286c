export { SupernodePooling, SupernodePoolingConfig } from "./supernode-pooling";
