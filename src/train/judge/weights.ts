// Where the classifier's weights come from: a training run, or a file that was exported from one.
import { existsSync } from "node:fs"
import { fileURLToPath } from "node:url"
import { openSafetensors, readTensor, writeSafetensors } from "../../checkpoint/index.ts"
import { input } from "../../graph/index.ts"
import { type ClassifierConfig, classify, Weights } from "../../nets/index.ts"
import { type Counters, loadRun, statePath } from "../checkpoint.ts"
import { parametersOf } from "../step.ts"
import { classifierConfig } from "./network.ts"

export interface ClassifierWeights {
  readonly weights: ReadonlyMap<string, Float32Array>
  /** Samples that the classifier was trained on. */
  readonly samples: number
}

/** The weights that the repository holds, so that figures can be measured again without training a judge first. */
const SHIPPED = fileURLToPath(new URL("classifier.safetensors", import.meta.url))
/** Where `npm run train -- classifier` keeps its run. */
const RUN = "runs/classifier"

/** `path` is a run's folder or a .safetensors file; unless given, the run of this machine where there is one, else the shipped weights. */
export async function loadClassifier(
  path = existsSync(statePath(RUN)) ? RUN : SHIPPED,
): Promise<ClassifierWeights> {
  if (path.endsWith(".safetensors")) {
    const file = await openSafetensors(path)
    const weights = new Map<string, Float32Array>()
    for (const name of file.tensors.keys()) weights.set(name, await readTensor(file, name))
    return { weights, samples: Number(file.metadata.samples ?? 0) }
  }
  const run = existsSync(path) ? await loadRun(path) : undefined
  if (!run) throw new Error(`There is no classifier in ${path}; train it: npm run train -- classifier`)
  return { weights: run.average, samples: (run.counters satisfies Counters).samples }
}

/** Every weight's shape, from the network itself. */
export function classifierShapes(
  config: ClassifierConfig = classifierConfig,
): Map<string, readonly number[]> {
  const { concept, style, background } = classify(
    input("image", [1, 3, config.side, config.side]),
    new Weights(),
    config,
  )
  return new Map(parametersOf([concept, style, background]).map((p) => [p.name, p.shape]))
}

/** Writes the weights alone, 16-bit. */
export async function exportClassifier(
  { weights, samples }: ClassifierWeights,
  path: string,
  config = classifierConfig,
): Promise<void> {
  const entries = [...classifierShapes(config)].map(([name, shape]) => ({
    name,
    type: "F16" as const,
    shape,
    data: weights.get(name)!,
  }))
  await writeSafetensors(path, entries, { samples: String(samples), part: "judge" })
}
