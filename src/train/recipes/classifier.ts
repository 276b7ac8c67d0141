// The judge's classifier: concepts from drawings the model never sees, styles and backgrounds from all painted scenes.
import { existsSync } from "node:fs"
import { add, input, log, mul, softmax, sum, type Tensor } from "../../graph/index.ts"
import { type ClassifierConfig, classify, featureSize, Weights } from "../../nets/index.ts"
import { GLYPH_FILE, openGlyphs } from "../data/glyphs.ts"
import { openSprites } from "../data/sprites.ts"
import { initialise } from "../initial.ts"
import { readAugmented, shareInside } from "../judge/augment.ts"
import { type Cutouts, openCutouts } from "../judge/cutouts.ts"
import { classifierConfig, createClassifier, rankOf } from "../judge/network.ts"
import { type Bitmap, view } from "../judge/pixels.ts"
import { type LabelledScene, openScenes, type SceneSet } from "../judge/scenes.ts"
import { Random } from "../random.ts"
import { type Planes, writeSheet } from "../sheet.ts"
import type { Feed } from "../step.ts"
import type { Recipe } from "../trainer.ts"

export interface ClassifierRecipeOptions {
  samples: number
  seed: number
}

export interface ClassifierMaterial {
  /** Scenes of the judge's own drawings, of glyphs, and of the model's drawings (styles and backgrounds only). */
  judge: SceneSet
  glyphs: SceneSet
  model: SceneSet
  cutouts?: Cutouts
}

const SMOOTHING = 0.05
const DROPOUT = 0.2
/** Shares of a batch: cut-outs of the judge's drawings, scenes of the model's and of glyphs, the rest the judge's. */
const SHARES = { cutouts: 0.25, model: 0.2, glyphs: 0.25 }
const WEIGHTS = { concept: 1, style: 0.5, background: 0.35 }

function openMaterial(folder = "data"): ClassifierMaterial {
  const judge = openScenes(`${folder}/judge`, "judge")
  if (judge.used.length === 0)
    throw new Error(
      `There are no pictures in ${folder}/judge; make them: npm run data -- --use judge --seed 2`,
    )
  const sprites = `${folder}/sprites`
  const glyphs = `${folder}/${GLYPH_FILE}`
  return {
    judge,
    glyphs: openScenes(`${folder}/glyphs`, "judge"),
    model: openScenes(`${folder}/scenes`, "train", 40_000),
    ...(existsSync(`${sprites}.json`) && {
      cutouts: openCutouts(
        openSprites(sprites, `${folder}/packages`),
        existsSync(glyphs) ? openGlyphs(glyphs) : [],
      ),
    }),
  }
}

/**
 * Cross-entropy against rows of class weights, [B,classes] each; a row of zeros counts nothing. Averaged over the
 * rows that count.
 */
export function crossEntropy(logits: Tensor, target: Tensor, count: Tensor): Tensor {
  const likelihood = log(add(softmax(logits), 1e-7))
  return mul(sum(mul(likelihood, target), [0, 1]), count)
}

/** The training loss and its parts for a batch of `size`. */
function classifierLoss(size: number, c: ClassifierConfig): { loss: Tensor; parts: Record<string, Tensor> } {
  const image = input("image", [size, 3, c.side, c.side])
  const heads = classify(image, new Weights(), c, input("keep", [size, featureSize(c)]))
  const part = (name: "concept" | "style" | "background", classes: number): Tensor =>
    mul(
      crossEntropy(heads[name], input(`target.${name}`, [size, classes]), input(`target.${name}.count`, [])),
      -1,
    )
  const concept = part("concept", c.concepts)
  const style = part("style", c.styles)
  const background = part("background", c.backgrounds)
  const loss = add(
    add(mul(concept, WEIGHTS.concept), mul(style, WEIGHTS.style)),
    mul(background, WEIGHTS.background),
  )
  return { loss, parts: { concept, style, background } }
}

/** Residual branches start small, everything else keeps the variance of its input. */
function rule(name: string, shape: readonly number[]): { deviation: number } | { value: number } {
  if (name.endsWith("gamma")) return { value: 1 }
  if (name.endsWith("bias")) return { value: 0 }
  const inner = shape.slice(1).reduce((a, b) => a * b, 1)
  return { deviation: (name.includes("conv2") ? 0.4 : shape.length === 2 ? 0.5 : 1.2) / Math.sqrt(inner) }
}

/** Rows of class weights with smoothing, and the factor that averages over the rows that count. */
class Targets {
  readonly data: Float32Array
  readonly #classes: number
  #rows = 0
  constructor(size: number, classes: number) {
    this.data = new Float32Array(size * classes)
    this.#classes = classes
  }
  /** Spreads one unit of probability over the classes given, none if there are none. */
  set(row: number, present: readonly number[]): void {
    if (present.length === 0) return
    this.#rows++
    const at = row * this.#classes
    this.data.fill(SMOOTHING / this.#classes, at, at + this.#classes)
    for (const k of present) this.data[at + k]! += (1 - SMOOTHING) / present.length
  }
  feeds(name: string): Record<string, Feed> {
    const size = this.data.length / this.#classes
    return {
      [`target.${name}`]: { data: this.data, shape: [size, this.#classes] },
      [`target.${name}.count`]: { data: Float32Array.of(1 / Math.max(1, this.#rows)), shape: [] },
    }
  }
}

/** The scenes that a lot beyond the cut-outs falls on; what was not painted leaves its share to the judge's own. */
function sceneSet(m: ClassifierMaterial, lot: number): SceneSet {
  const set = lot < SHARES.model ? m.model : lot < SHARES.model + SHARES.glyphs ? m.glyphs : m.judge
  return set.used.length > 0 ? set : m.judge
}

/** The batch of a step, from its number alone. */
export function classifierBatch(
  m: ClassifierMaterial,
  c: ClassifierConfig,
  size: number,
  random: Random,
): Record<string, Feed> {
  const planes = 3 * c.side * c.side
  const image = new Float32Array(size * planes)
  const concept = new Targets(size, c.concepts)
  const style = new Targets(size, c.styles)
  const background = new Targets(size, c.backgrounds)
  for (let i = 0; i < size; i++) {
    const lot = random.next()
    if (m.cutouts && m.cutouts.count > 0 && lot < SHARES.cutouts) {
      concept.set(i, m.cutouts.paint(image, i * planes, c.side, random))
      continue
    }
    const set = sceneSet(m, lot - SHARES.cutouts)
    const scene = set.used[random.below(set.used.length)]!
    const window = readAugmented(image, i * planes, set.read(scene), scene.things, c.side, random)
    const seen = scene.things.filter((t) => shareInside(t, window) > 0.6).map((t) => t.concept)
    if (scene.teaches) concept.set(i, [...new Set(seen)])
    if (scene.style >= 0) style.set(i, [scene.style])
    const whole = shareInside({ x: 0, y: 0, w: scene.width, h: scene.height }, window)
    if (whole > 0.45) background.set(i, [scene.background])
  }
  const features = featureSize(c)
  const keep = Float32Array.from({ length: size * features }, () =>
    random.next() < DROPOUT ? 0 : 1 / (1 - DROPOUT),
  )
  return {
    image: { data: image, shape: [size, 3, c.side, c.side] },
    keep: { data: keep, shape: [size, features] },
    ...concept.feeds("concept"),
    ...style.feeds("style"),
    ...background.feeds("background"),
  }
}

/** The judge's classifier, or with other material the verifier. */
export function classifierRecipe(
  options: ClassifierRecipeOptions,
  material: ClassifierMaterial = openMaterial(),
  config: ClassifierConfig = classifierConfig,
): Recipe {
  const sizeOf = (stage: string): number => Number(stage)
  return {
    name: "classifier",
    samples: options.samples,
    stage: (samples) => (samples < 0.02 * options.samples ? "32" : "64"),
    batchSize: sizeOf,
    define: (stage) => {
      const { loss, parts } = classifierLoss(sizeOf(stage), config)
      return {
        loss,
        reports: parts,
        rule: (name, shape) => (shape.length === 4 && !name.startsWith("stem") ? "muon" : "adamw"),
        options: { weightDecay: 0.05 },
      }
    },
    initial: () => initialise([classifierLoss(1, config).loss], options.seed, rule),
    rates: (samples) => {
      const warm = Math.min(1, (samples + 1) / 4000)
      const left = Math.max(0, 1 - samples / options.samples)
      const decay = 0.01 + 0.99 * Math.min(1, left / 0.7)
      return { rate: 2e-3 * warm * decay, matrixRate: 4e-3 * warm * decay }
    },
    batch: async (step, stage) =>
      classifierBatch(material, config, sizeOf(stage), new Random(options.seed, step)),
    averageOver: 25_000,
    sheet: async (weights, folder, { samples }) => {
      const sample = classifierBatch(material, config, 48, new Random(options.seed, samples)).image!
        .data as Float32Array
      const planes = 3 * config.side ** 2
      const cells = Array.from(
        { length: 48 },
        (_, i): Planes => ({
          data: sample.slice(i * planes, (i + 1) * planes),
          width: config.side,
          height: config.side,
        }),
      )
      await writeSheet(
        `${folder}/sheet-${String(samples).padStart(8, "0")}.png`,
        [0, 1, 2, 3].map((row) => cells.slice(row * 12, row * 12 + 12)),
      )
      const classifier = await createClassifier(weights, config)
      const own = await accuracy(classifier, material.judge)
      const others = await accuracy(classifier, material.model)
      await classifier.close()
      // "unseen": the model's own drawings, which the concept head never saw. "seen": new scenes of known drawings.
      const named = (prefix: string, figures: Record<string, number>) =>
        Object.fromEntries(Object.entries(figures).map(([k, v]) => [`${prefix}.${k}`, v]))
      return { ...named("seen", own), ...named("unseen", others) }
    },
  }
}

/** Accuracy on held-out scenes: concept on those with one kind of thing, shares 0..1. */
async function accuracy(
  classifier: {
    side: number
    look: (
      p: Float32Array[],
    ) => Promise<{ concept: Float32Array; style: Float32Array; background: Float32Array }[]>
  },
  set: SceneSet,
): Promise<Record<string, number>> {
  const scenes: readonly LabelledScene[] = set.held.slice(0, 300)
  const verdicts = await classifier.look(
    scenes.map((s) => view(set.read(s) satisfies Bitmap, classifier.side)),
  )
  const share = (ranks: readonly number[], within: number): number =>
    ranks.length === 0 ? Number.NaN : ranks.filter((r) => r <= within).length / ranks.length
  const single = scenes.flatMap((s, i) =>
    new Set(s.things.map((t) => t.concept)).size === 1
      ? [rankOf(verdicts[i]!.concept, s.things[0]!.concept)]
      : [],
  )
  const styles = scenes.flatMap((s, i) => (s.style >= 0 ? [rankOf(verdicts[i]!.style, s.style)] : []))
  const backgrounds = scenes.map((s, i) => rankOf(verdicts[i]!.background, s.background))
  return {
    top1: share(single, 1),
    top5: share(single, 5),
    style: share(styles, 1),
    background: share(backgrounds, 1),
  }
}
