// The public face of checkpoints: opening, reading, writing.
export { openSafetensors } from "./safetensors.ts"
export type { BlockQuantisation, Checkpoint, StoredTensor, StoredType } from "./tensor.ts"
export { type TensorEntry, writeSafetensors } from "./write.ts"
