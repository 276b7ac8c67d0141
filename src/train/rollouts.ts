// Rollouts: pictures that the model itself paints for captions of the training art, and how good the verifier finds each.
import { appendFileSync, existsSync, mkdirSync, openSync, readSync, truncateSync } from "node:fs"
import type { RunState } from "./checkpoint.ts"
import { cutHalfLine, jsonLines, readJsonLines } from "./json-lines.ts"
import type { Painter } from "./painter.ts"
import { FOCUS_PREFIX, FOCUS_SCENES, heldOut, type Located, type PictureSet } from "./pictures.ts"
import { Random } from "./random.ts"
import type { Agreement, Asked, Verifier } from "./verifier.ts"

/** The folder of a run's rollouts: weights that have seen more samples paint their own. */
export const rolloutsOf = (run: string, { counters }: Pick<RunState, "counters">): string =>
  `data/rollouts/${run}-${counters.samples}`
/** Pictures of one caption, which are compared with each other. */
export const GROUP = 4
/** Width and height of the pictures that are painted. */
const SIDE = 128
const LATENT = 16 * 16 * 16
/** Advantages nearer to 0 than this are left out. */
const ALIKE = 0.02

/** One line of a folder's record file: a caption of the art, and what it asks for. Its pictures are in the other file. */
type RolloutGroup = Required<Asked> & { caption: string }

const recordsPath = (folder: string): string => `${folder}/groups.jsonl`
const latentsPath = (folder: string): string => `${folder}/latents.f16`

const readGroups = (folder: string): RolloutGroup[] => readJsonLines(recordsPath(folder))

/** Square pictures of the art in steady poses, whose captions are asked for. */
const askable = (pictures: PictureSet): Located[] =>
  pictures.records.filter(
    (r) =>
      r.width === SIDE &&
      r.height === SIDE &&
      r.concepts.length > 0 &&
      !heldOut(r) &&
      pictures.shards[r.shard]!.startsWith(FOCUS_PREFIX),
  )

/** Paints until `folder` has the pictures of `count` captions; goes on where it stopped. */
export async function drawRollouts(
  count: number,
  painter: Pick<Painter, "draw">,
  {
    pictures,
    folder,
    seed,
    chunk = 8,
    print = console.log,
  }: {
    pictures: PictureSet
    folder: string
    seed: number
    /** Captions that are painted at once. */
    chunk?: number
    print?: (line: string) => void
  },
): Promise<void> {
  const art = askable(pictures)
  if (art.length === 0)
    throw new Error(
      `There are no square pictures of things in ${FOCUS_SCENES}, whose captions rollouts are for; paint them with: npm run data -- --focus --count 28000 --seed 9`,
    )
  mkdirSync(folder, { recursive: true })
  cutHalfLine(recordsPath(folder))
  const already = readGroups(folder).length
  // Latents are written first: those without a record are from a run that was killed in between.
  if (existsSync(latentsPath(folder))) truncateSync(latentsPath(folder), already * GROUP * LATENT * 2)
  const began = Date.now()
  for (let done = already; done < count; done += chunk) {
    const random = new Random(seed, done)
    const asked = Array.from({ length: chunk }, () => art[random.below(art.length)]!)
    const rows = asked.flatMap((r) => Array.from({ length: GROUP }, () => r.caption))
    const latents = await painter.draw(
      rows,
      rows.map(() => random.below(2 ** 31)),
    )
    for (const z of latents) appendFileSync(latentsPath(folder), new Uint8Array(new Float16Array(z).buffer))
    const lines = asked.map(
      ({ caption, concepts, style, place }): RolloutGroup => ({ caption, concepts, style, place }),
    )
    appendFileSync(recordsPath(folder), jsonLines(lines))
    if ((done / chunk) % 25 === 24) {
      const rate = ((done + chunk - already) * GROUP) / ((Date.now() - began) / 1000)
      print(`${done + chunk} captions, ${rate.toFixed(1)} pictures/s`)
    }
  }
}

export interface Rollout {
  caption: string
  /** -1 to 1: how much better than the other pictures of its caption. */
  advantage: number
  /** Normalised latent [16,16,16]. */
  latent: Float16Array
}

/** How much each part of a picture's score counts, in units of its usual deviation among pictures of one caption. */
const SHARES = { things: 1, style: 0.7, background: 0.5 }

/** The pictures of a folder, each with what its caption asks for; those of one caption stand together. */
function readRollouts(folder: string): { latent: Float16Array; asked: RolloutGroup }[] {
  const groups = readGroups(folder)
  if (groups.length === 0)
    throw new Error(`There are no rollouts in ${folder}; paint them with: npm run train -- rollouts`)
  const file = openSync(latentsPath(folder), "r")
  return Array.from({ length: groups.length * GROUP }, (_, place) => {
    const latent = new Float16Array(LATENT)
    readSync(file, latent, 0, latent.byteLength, place * latent.byteLength)
    return { latent, asked: groups[Math.floor(place / GROUP)]! }
  })
}

/**
 * Reads a folder's rollouts, as the verifier sees them. Captions whose pictures it finds all alike teach nothing and are
 * left out.
 */
export async function openRollouts(folder: string, verifier: Pick<Verifier, "score">): Promise<Rollout[]> {
  const painted = readRollouts(folder)
  const scores = await verifier.score(
    painted.map(({ latent }) => latent),
    painted.map(({ asked }) => asked),
  )
  const better = advantages(scores)
  return painted.flatMap(({ latent, asked: { caption } }, i) =>
    Math.abs(better[i]!) > ALIKE ? [{ caption, advantage: better[i]!, latent }] : [],
  )
}

/**
 * How much better each picture is than the mean of its group, -1 to 1 (Zheng et al. 2025, DiffusionNFT, 3.2): every part of
 * the score in units of its usual deviation within groups, by its share.
 */
export function advantages(scores: readonly Agreement[], group = GROUP): Float32Array {
  const sum = new Float32Array(scores.length)
  const shares = Object.entries(SHARES) as [keyof Agreement, number][]
  const length = Math.hypot(...shares.map(([, share]) => share))
  for (const [part, share] of shares) {
    const centred = scores.map((_, i) => {
      const first = i - (i % group)
      const mean = scores.slice(first, first + group).reduce((m, s) => m + s[part] / group, 0)
      return scores[i]![part] - mean
    })
    const deviation = Math.sqrt(centred.reduce((v, d) => v + d * d, 0) / centred.length)
    if (deviation > 0) for (const [i, d] of centred.entries()) sum[i]! += (share / length) * (d / deviation)
  }
  return sum.map((a) => Math.max(-1, Math.min(1, a)))
}
