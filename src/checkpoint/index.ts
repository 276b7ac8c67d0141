// The public face of checkpoints: opening, naming, checking, reading, LoRA, quantising, writing.
export {
  type BlockFormat,
  type BlockRows,
  dequantiseRows,
  quantiseRows,
  repackQ4,
  repackQ8,
} from "./blocks.ts"
export { checkDit, checkText, checkVae } from "./check.ts"
export { findComponents, type ModelComponents, type SplitCheckpoint, splitComponents } from "./components.ts"
export {
  type DitConfig,
  ditConfig,
  latentDeviation,
  latentMean,
  type TextConfig,
  type TextSettings,
  temporalTaps,
  textConfig,
  type VaeConfig,
  type VaeSettings,
  vaeConfig,
} from "./config.ts"
export {
  type ConversionOptions,
  type ConversionProgress,
  convertCheckpoint,
  needsConversion,
  quantiseCheckpoint,
} from "./convert.ts"
export { type QuantisationRecord, quantisationKey } from "./encodings.ts"
export {
  ditModules,
  ditTensors,
  type TensorTable,
  textTensors,
  vaeTensors,
  vaeTimeTensors,
} from "./expected.ts"
export type { WrittenFile } from "./files.ts"
export {
  type Lora,
  type LoraDelta,
  type LoraModule,
  type LoraSummary,
  loadLora,
  loraSummary,
} from "./lora.ts"
export { applyLoras, loraTargets, type WeightedLora } from "./lora-apply.ts"
export { fromDiffusersName, toDiffusersName } from "./names-dit.ts"
export { decodeNumbers, encodeFloats } from "./numbers.ts"
export { openCheckpoint } from "./open.ts"
export { matrixShape, openRows, type RowReader, readBytes, readRows, readTensor, rowRanges } from "./read.ts"
export { packIntegers, ROW_LAYOUT, rowEntries } from "./rows.ts"
export { openSafetensors } from "./safetensors.ts"
export {
  type BlockQuantisation,
  type Checkpoint,
  elementCount,
  type StoredTensor,
  type StoredType,
  storedLength,
} from "./tensor.ts"
export { type TensorEntry, writeSafetensors } from "./write.ts"
