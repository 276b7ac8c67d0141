// Trajectories: the ways that the shipped model's pictures go from noise, with all that guidance does, for Turbo to learn.
import { appendFileSync, existsSync, mkdirSync, openSync, readSync, truncateSync } from "node:fs"
import { counterSliders } from "../controls/sliders.ts"
import { schedule, shiftFor } from "../sampling/schedule.ts"
import type { RunState } from "./checkpoint.ts"
import { cutHalfLine, jsonLines, readJsonLines } from "./json-lines.ts"
import type { LatentStatistics } from "./latent-statistics.ts"
import type { openLatents } from "./latents.ts"
import { Looks } from "./looks.ts"
import { type Company, GUIDANCE, NOISE, type Painter, STEPS } from "./painter.ts"
import type { PictureSet } from "./pictures.ts"
import { Random } from "./random.ts"
import {
  FOCUS_SHARE,
  NAMED_SHARE,
  pickShape,
  REFERENCE_SHARE,
  sidesOf,
  usablePictures,
} from "./recipes/dit-batch.ts"
import { cleanTokens } from "./recipes/dit-feeds.ts"
import { IMAGE_TOKENS, LATENT_CHANNELS, REFERENCE_TOKENS } from "./recipes/dit-network.ts"

/** The folder of a run's ways: weights that have seen more samples go their own. */
export const trajectoriesOf = (run: string, { counters }: Pick<RunState, "counters">): string =>
  `data/trajectories/${run}-${counters.samples}`
/** Places of a way that are kept: where it begins, and after each of the teacher's steps. */
const POINTS = STEPS + 1
const TOKEN = LATENT_CHANNELS * 4
const PICTURE = IMAGE_TOKENS * TOKEN
const REFERENCE = REFERENCE_TOKENS * TOKEN
/** Values of one way in the file: its points, and the reference's tokens behind them. */
const STRIDE = POINTS * PICTURE + REFERENCE
/** How often a caption is empty, and how often each slider is given. */
const EMPTY_SHARE = 0.05
const SLIDER_SHARE = 0.12

/** One line of the record file. */
interface TrajectoryRecord {
  caption: string
  /** Rows and columns of image tokens, "8x8". */
  shape: string
  hasReference: boolean
  /** Intensity, complexity, movement from -1 to 1; null where not asked. */
  sliders: (number | null)[]
}

/** The way of one picture. */
export interface Trajectory {
  caption: string
  company: Company
  /** Image tokens [66,P], padded, after k of the teacher's steps; 0 is the noise. */
  point: (k: number) => Float16Array
}

/** The times of the points of a way, 1 to 0. */
export const timesOf = ([rows, columns]: readonly [number, number]): number[] =>
  schedule(STEPS, shiftFor(rows * columns))

const recordsPath = (folder: string): string => `${folder}/trajectories.jsonl`
const pointsPath = (folder: string): string => `${folder}/points.f16`

const readRecords = (folder: string): TrajectoryRecord[] => readJsonLines(recordsPath(folder))

export interface TrajectoryMaterial {
  pictures: PictureSet
  latents: ReturnType<typeof openLatents>
  statistics: LatentStatistics
  folder: string
  seed: number
  /** Pictures that are painted at once; all of one shape. */
  chunk?: number
  print?: (line: string) => void
}

/** Paints until `folder` has the ways of `count` pictures; goes on where it stopped. */
export async function drawTrajectories(
  count: number,
  painter: Pick<Painter, "read" | "advance">,
  { pictures, latents, statistics, folder, seed, chunk = 32, print = console.log }: TrajectoryMaterial,
): Promise<void> {
  mkdirSync(folder, { recursive: true })
  const { all, shapes, simple, simpleCount } = usablePictures({ pictures, latents })
  const looks = new Looks(all)
  cutHalfLine(recordsPath(folder))
  const already = readRecords(folder).length
  // Points are written first: those without a record are from a run that was killed in between.
  if (existsSync(pointsPath(folder))) truncateSync(pointsPath(folder), already * STRIDE * 2)
  const began = Date.now()
  for (let done = already; done < count; done += chunk) {
    const random = new Random(seed, done)
    const isSimple = simpleCount > 0 && random.next() < FOCUS_SHARE
    const [shape, list] = isSimple
      ? pickShape(simple, simpleCount, random)
      : pickShape(shapes, all.length, random)
    const asked = Array.from({ length: chunk }, () => {
      const entry = list[random.below(list.length)]!
      const look = random.next() < REFERENCE_SHARE ? looks.reference(entry, random) : undefined
      const nameless = look !== undefined && random.next() >= NAMED_SHARE
      const caption = random.next() < EMPTY_SHARE ? "" : nameless ? entry.r.styleless : entry.r.caption
      const sliders = [0, 1, 2].map(() => (random.next() < SLIDER_SHARE ? 2 * random.next() - 1 : undefined))
      const company: Company = { sliders }
      if (look) {
        company.reference = new Float32Array(REFERENCE)
        cleanTokens(company.reference, 0, latents.read(look.i), 8, 8, statistics)
      }
      return { caption, company }
    })
    const ways = await paint(painter, asked, sidesOf(shape), random)
    const rows = new Float16Array(chunk * STRIDE)
    asked.forEach(({ company }, b) => {
      ways[b]!.forEach((x, k) => {
        rows.set(x, b * STRIDE + k * PICTURE)
      })
      if (company.reference) rows.set(company.reference, b * STRIDE + POINTS * PICTURE)
    })
    appendFileSync(pointsPath(folder), new Uint8Array(rows.buffer))
    const lines = asked.map(
      ({ caption, company }): TrajectoryRecord => ({
        caption,
        shape,
        hasReference: company.reference !== undefined,
        sliders: company.sliders.map((value) => value ?? null),
      }),
    )
    appendFileSync(recordsPath(folder), jsonLines(lines))
    if ((done / chunk) % 25 === 24) {
      const rate = (done + chunk - already) / ((Date.now() - began) / 1000)
      print(`${done + chunk} ways, ${rate.toFixed(1)} pictures/s`)
    }
  }
}

/** The points of each way, [N,P]: the engine's own steps at the shipped defaults, from noise as wide as it uses. */
async function paint(
  painter: Pick<Painter, "read" | "advance">,
  asked: readonly { caption: string; company: Company }[],
  sides: readonly [number, number],
  random: Random,
): Promise<Float32Array[][]> {
  const count = sides[0] * sides[1] * TOKEN
  // Beside nothing stands what the engine puts there: the opposite of an asked intensity (decision 059).
  const opposite = ({ sliders }: Company): Company => {
    const value = sliders[0]
    const moved = value === undefined ? [] : counterSliders([{ name: "intensity", index: 0, value }])
    return { sliders: [moved[0]?.value, undefined, undefined] }
  }
  const read = await painter.read(
    [...asked.map(({ caption }) => caption), ...asked.map(() => "")],
    [...asked.map(({ company }) => company), ...asked.map(({ company }) => opposite(company))],
  )
  const ways = asked.map(() => ({
    x: random.normals(count).map((value) => NOISE * value),
    times: timesOf(sides),
  }))
  const points = ways.map(({ x }) => [x])
  for (let k = 0; k < STEPS; k++) {
    await painter.advance(ways, read, { guidance: GUIDANCE, sides })
    for (const [b, { x }] of ways.entries()) points[b]!.push(x)
  }
  return points
}

/** The ways of a folder by shape. Throws where there are none. */
export function openTrajectories(folder: string): [string, Trajectory[]][] {
  const records = readRecords(folder)
  if (records.length === 0)
    throw new Error(`There are no trajectories in ${folder}; paint them with: npm run train -- trajectories`)
  const file = openSync(pointsPath(folder), "r")
  const read = (at: number, length: number): Float16Array => {
    const values = new Float16Array(length)
    readSync(file, values, 0, values.byteLength, at * 2)
    return values
  }
  const ways = records.map(({ caption, shape, hasReference, sliders }, i): [string, Trajectory] => [
    shape,
    {
      caption,
      company: {
        sliders: sliders.map((value) => value ?? undefined),
        ...(hasReference && {
          reference: Float32Array.from(read(i * STRIDE + POINTS * PICTURE, REFERENCE)),
        }),
      },
      point: (k) => read(i * STRIDE + k * PICTURE, PICTURE),
    },
  ])
  return [...Map.groupBy(ways, ([shape]) => shape)].map(([shape, list]) => [
    shape,
    list.map(([, way]) => way),
  ])
}
