// A network of others that looks at pictures: for the content filter and for the judge.
export { buildMobilenet, CLASSES, FEATURES, type KerasModel } from "./mobilenet.ts"
export { type Mobilenet, openMobilenet, SIDE } from "./session.ts"
