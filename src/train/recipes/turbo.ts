// Turbo: a low-rank change of the shipped denoiser that goes two of its guided steps in one, without guidance.
import { textRope, Weights } from "../../nets/index.ts"
import { initialise } from "../initial.ts"
import { isLowRank, lowRank, lowRankRule, merged } from "../low-rank.ts"
import { companyFeeds, NOISE, Painter, type PainterModel, STEPS } from "../painter.ts"
import { Random } from "../random.ts"
import type { Feed } from "../step.ts"
import type { Recipe } from "../trainer.ts"
import { openTrajectories, type Trajectory, timesOf } from "../trajectories.ts"
import { pickShape, type Shapes, sidesOf } from "./dit-batch.ts"
import { captionFeeds, imageFeeds, realTokens } from "./dit-feeds.ts"
import { flowLoss, IMAGE_TOKENS, LATENT_CHANNELS, TEXT_TOKENS } from "./dit-network.ts"
import { drawSheet } from "./dit-sheet.ts"

const BATCH = 64
/** Rank of the changes: as large as the size of what is shipped allows. */
export const RANK = 40
/** Steps of the teacher in one of Turbo's. */
const STRIDE = 2
/** Turbo's own steps. */
export const TURBO_STEPS = STEPS / STRIDE
/**
 * How often a sample begins where none of Turbo's steps does, halfway: a start picture at any strength begins somewhere,
 * and more steps than four go there.
 */
const BETWEEN_SHARE = 0.25
/** Ways that are not learned from, and show how near Turbo comes. */
const HELD_WAYS = 256
const TOKEN = LATENT_CHANNELS * 4
const PICTURE = IMAGE_TOKENS * TOKEN

export interface TurboOptions {
  samples: number
  seed: number
  rate?: number
  /** Weights of the denoiser that painted the ways. */
  teacher: ReadonlyMap<string, Float32Array>
  model: PainterModel
  /** Folder of its ways. */
  trajectories: string
}

const parts = (all: Shapes<Trajectory>, keep: (i: number) => boolean): Shapes<Trajectory> =>
  all
    .map(([shape, list]): [string, Trajectory[]] => [shape, list.filter((_, i) => keep(i))])
    .filter(([, list]) => list.length > 0)

/** Draws batches of stretches of ways, each with the velocity that goes it in one step: a function of the step's number. */
export function turboBatches(
  ways: Shapes<Trajectory>,
  { model: { dit, text, vocabulary }, seed }: Pick<TurboOptions, "model" | "seed">,
  size = BATCH,
): (step: number) => Promise<Record<string, Feed>> {
  const table = textRope(TEXT_TOKENS, text.headDim, text.ropeTheta)
  const total = ways.reduce((sum, [, list]) => sum + list.length, 0)
  return async (step) => {
    const random = new Random(seed, step)
    const [shape, list] = pickShape(ways, total, random)
    const sides = sidesOf(shape)
    const times = timesOf(sides)
    const [image, target] = [new Float32Array(size * PICTURE), new Float32Array(size * PICTURE)]
    const chosen = Array.from({ length: size }, (_, b) => {
      const way = list[random.below(list.length)]!
      const end = STRIDE * (1 + random.below(TURBO_STEPS))
      const begin = end - (random.next() < BETWEEN_SHARE ? 1 : STRIDE)
      const [x, y] = [way.point(begin), way.point(end)]
      const dt = times[begin]! - times[end]!
      image.set(x, b * PICTURE)
      for (let j = 0; j < PICTURE; j++) target[b * PICTURE + j] = (x[j]! - y[j]!) / dt
      return { way, time: times[begin]! }
    })
    const { feeds, lengths } = captionFeeds(
      chosen.map(({ way }) => way.caption),
      vocabulary,
      table,
    )
    const company = companyFeeds(
      chosen.map(({ way }) => way.company),
      TOKEN,
    )
    const at = chosen.map(({ time }) => time)
    return {
      ...feeds,
      ...imageFeeds(image, at, lengths, ...sides, dit, company.present),
      ...company.feeds,
      target: { data: target, shape: [size, IMAGE_TOKENS, TOKEN] },
      real: realTokens(sides[0] * sides[1]),
    }
  }
}

/**
 * Learns the teacher's ways, drawn before (trajectories.ts): guidance and two steps at once become one velocity (guidance
 * distillation, Meng et al. 2023; steps, Salimans and Ho 2022). The same noise so becomes the teacher's own picture. Only a
 * low-rank change is learned, for it ships beside the denoiser that it changes.
 */
export async function turboRecipe(options: TurboOptions): Promise<Recipe> {
  const { samples, seed, teacher, model } = options
  const { dit, text } = model
  const ways = openTrajectories(options.trajectories)
  const held = parts(ways, (i) => i % 100 === 99)
    .flatMap(([shape, list]) => list.map((way) => ({ shape, way })))
    .slice(0, HELD_WAYS)
  const batch = turboBatches(
    parts(ways, (i) => i % 100 !== 99),
    { model, seed },
  )
  const loss = (size: number) => flowLoss(size, dit, text, { weights: new Weights(lowRank(RANK)) }).loss
  const rate = options.rate ?? 2e-3
  return {
    name: "turbo",
    samples,
    stage: () => "only",
    batchSize: () => BATCH,
    define: () => ({ loss: loss(BATCH), rule: (name) => (isLowRank(name) ? "adamw" : undefined) }),
    initial: () => {
      const fresh = initialise([loss(1)], seed, lowRankRule)
      return new Map([...fresh].map(([key, data]) => [key, teacher.get(key.slice(2)) ?? data]))
    },
    rates: (seen) => {
      const warm = Math.min(1, (seen + 1) / 2000)
      const decay = 0.02 + 0.98 * Math.min(1, Math.max(0, 1 - seen / samples) / 0.5)
      return { rate: rate * warm * decay, matrixRate: rate * warm * decay }
    },
    batch,
    averageOver: 8_000,
    sheet: async (weights, folder, counters) => {
      const student = merged(weights)
      await drawSheet(student, folder, counters, model, { steps: TURBO_STEPS, guidance: 0, noise: NOISE })
      const painter = await Painter.open(student, model)
      const distance = await distanceFrom(painter, held)
      await painter.close()
      return { distance }
    },
  }
}

/** Mean squared distance of the pictures that Turbo makes of the ways' noise from the ways' own ends. */
async function distanceFrom(
  painter: Pick<Painter, "read" | "advance">,
  held: readonly { shape: string; way: Trajectory }[],
): Promise<number> {
  let [sum, values] = [0, 0]
  for (const [shape, list] of Map.groupBy(held, (h) => h.shape)) {
    const sides = sidesOf(shape)
    const times = timesOf(sides).filter((_, k) => k % STRIDE === 0)
    const read = await painter.read(
      list.map(({ way }) => way.caption),
      list.map(({ way }) => way.company),
    )
    const count = sides[0] * sides[1] * TOKEN
    const made = list.map(({ way }) => ({ x: Float32Array.from(way.point(0).subarray(0, count)), times }))
    for (let k = 0; k < TURBO_STEPS; k++) await painter.advance(made, read, { guidance: 0, sides })
    list.forEach(({ way }, b) => {
      const end = way.point(STEPS)
      for (let j = 0; j < count; j++) sum += (made[b]!.x[j]! - end[j]!) ** 2
      values += count
    })
  }
  return sum / values
}
