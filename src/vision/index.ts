// A network of others that looks at pictures: for the content filter and for the judge.
export { buildMobilenet, CLASSES, FEATURES, type KerasModel, unpackWeights } from "./mobilenet.ts"
export { installWeights, isInstalled, readWeights } from "./weights.ts"
