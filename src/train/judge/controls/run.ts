// npm run judge -- controls: measures every control on the real engine, part by part, and reports.
import { join } from "node:path"
import { EMBEDDED, OPEN } from "../../../controls/creativity/index.ts"
import { createEngine } from "../../../controls/engine.ts"
import { LOOK_CALIBRATION } from "../../../controls/looks.ts"
import type { GenerationInput } from "../../../request/request.ts"
import { findModel, weightsOf } from "../../../sampling/index.ts"
import type { SpriteSource } from "../../data/sprites.ts"
import { type Classifier, createClassifier } from "../network.ts"
import { fingerprint, openStudio } from "../pictures.ts"
import { loadClassifier } from "../weights.ts"
import { openBench } from "./bench.ts"
import { creativityFigures } from "./creativity.ts"
import { maskFigures } from "./mask.ts"
import { type Bench, type ControlFigure, PARTS, type Part } from "./measure.ts"
import { referenceFigures } from "./references.ts"
import { type ControlsReport, withVerdicts } from "./report.ts"
import { sliderFigures } from "./sliders.ts"
import { spreadFigures } from "./spread.ts"
import { startFigures } from "./start.ts"

const MEASURES: Readonly<Record<Part, (bench: Bench) => Promise<ControlFigure[]>>> = {
  creativity: creativityFigures,
  references: referenceFigures,
  start: startFigures,
  mask: maskFigures,
  sliders: sliderFigures,
  spread: spreadFigures,
}

/** What each part leaves out without the classifier. */
const BLIND: Readonly<Partial<Record<Part, string>>> = {
  creativity: "variety and concepts under creativity",
  references: "styles, concepts and leakage under references",
  mask: "what is seen in masks",
  sliders: "concepts under sliders",
  spread: "spread",
}

export interface ControlsOptions {
  readonly command: string
  readonly model: string
  readonly parts?: readonly Part[]
  readonly count?: number | undefined
  /** Run folder or .safetensors of the judge's classifier. */
  readonly classifier: string | undefined
  /** Processor threads; all cores unless given. */
  readonly threads?: number | undefined
  /** Steps and guidance other than the model's own. */
  readonly given?: Partial<GenerationInput>
  /** Folder of the kept pictures. */
  readonly cache: string
  readonly drawings: () => SpriteSource
  readonly note: (line: string) => void
}

/** Measures the asked parts of the controls of a model, or all; what needs a classifier is left out, with a note, without one. */
export async function judgeControls(options: ControlsOptions): Promise<ControlsReport> {
  const { command, model, count, cache, drawings, threads, note } = options
  const { folder, manifest } = await findModel(model)
  const notes: string[] = []
  const remark = (line: string): void => {
    notes.push(line)
    note(line)
  }
  const { supports } = manifest
  const can: Partial<Record<Part, boolean>> = {
    references: supports.references,
    start: supports.start,
    mask: supports.start,
    sliders: supports.sliders,
  }
  const parts = (options.parts ?? PARTS).filter((part) => {
    if (can[part] === false) remark(`The model ${model} has no ${part}; that part is left out.`)
    return can[part] !== false
  })
  const blind = parts.flatMap((part) => BLIND[part] ?? [])
  const classifier = blind.length === 0 ? undefined : await openClassifier(options, blind, remark)

  const engine = createEngine(threads === undefined ? {} : { threads })
  // Kept pictures are the model's and the calibration's: another one of either makes new ones.
  const identity = `${await fingerprint(folder)} ${JSON.stringify(LOOK_CALIBRATION)}`
  const words = weightsOf(manifest) === "embedded" ? EMBEDDED : OPEN
  const studio = openStudio(engine, identity, join(cache, "pictures"), words)
  // The embedded family paints in its own size anyway; a small answer saves the encoder's time.
  const size = manifest.native ? { width: 256, height: 256 } : {}
  const given = { model, ...size, ...options.given }
  const bench = openBench({ engine, studio, given, classifier, drawings, words, count, note })
  const figures: ControlFigure[] = []
  try {
    for (const part of parts) figures.push(...(await MEASURES[part](bench)))
  } finally {
    await engine.close()
    await classifier?.close()
  }
  return { format: 1, command, model, figures: withVerdicts(figures), notes }
}

/** Without one, what needs no classifier is still measured. */
async function openClassifier(
  { classifier, threads }: ControlsOptions,
  blind: readonly string[],
  remark: (line: string) => void,
): Promise<Classifier | undefined> {
  try {
    return await createClassifier((await loadClassifier(classifier)).weights, undefined, threads)
  } catch (error) {
    remark(`${(error as Error).message}. Left out until then: ${blind.join("; ")}.`)
    return undefined
  }
}
