// Draws the denoiser's sample sheet: fixed prompts and seeds, from the averaged weights of a run.
import * as ort from "onnxruntime-node"
import { compile, input } from "../../graph/index.ts"
import {
  type DitConfig,
  denoiser,
  patchify,
  type TextConfig,
  textFusion,
  textRope,
  unpatchify,
  Weights,
  WORD_VECTOR,
  wordTaps,
} from "../../nets/index.ts"
import { schedule, scheduleFrom, shiftFor } from "../../sampling/schedule.ts"
import type { Counters } from "../checkpoint.ts"
import { loadRun } from "../checkpoint.ts"
import { asEncoded, type LatentStatistics } from "../latent-statistics.ts"
import { Random } from "../random.ts"
import { type Planes, writeSheet } from "../sheet.ts"
import type { Feed } from "../step.ts"
import type { Vocabulary } from "../vocabulary.ts"
import { imageFeeds, promptFeeds } from "./dit-feeds.ts"
import { CONDITION_TOKENS, IMAGE_TOKENS, TEXT_TOKENS } from "./dit-network.ts"
import { createCoder } from "./vae.ts"

export const SHEET_PROMPTS = [
  "a watercolor fox in the snow",
  "a red apple on a plain blue background",
  "a castle in a green meadow, cartoon",
  "three yellow butterflies on a pink background",
  "a cat to the left of a dog",
  "a rocket in outer space, pixel art",
  "a neon guitar",
  "a sailboat on the sea, oil painting",
  "a blueprint of a bicycle",
  "an owl at night, flat vector",
  "a pencil sketch of a rabbit",
  "a sticker of a strawberry on an orange background",
  "a purple car in the city",
  "a comic halftone lion",
  "a mosaic of a fish",
  "a small green umbrella in a room",
  "a penguin in the snow, 3d render",
  "a silhouette of a horse in the desert",
  "two teal balloons above a house",
  "a tree in the forest",
  "an outlined cartoon bear",
  "a cup of coffee on polka dots",
  "a dolphin",
  "a sunflower, watercolor",
]

export interface SheetModel {
  dit: DitConfig
  text: TextConfig
  vocabulary: Vocabulary
  statistics: LatentStatistics
}

const STEPS = 16
const GUIDANCE = 3

/** A picture to begin from instead of noise: its normalised latent [16,16,16], and the time to begin at. */
export interface Start {
  latent: Float32Array
  time: number
}

/**
 * Draws every prompt with seed = its place in the list; returns normalised latents [16,16,16] each. With `starts`, one
 * for each prompt, the later part of the way only: from its picture with as much noise as belongs to its time.
 */
export async function drawLatents(
  weights: ReadonlyMap<string, Float32Array>,
  model: SheetModel,
  prompts: readonly string[],
  options: {
    steps?: number
    guidance?: number
    threads?: number
    /** Of the first prompt's noise; the next prompts' follow. */
    seed?: number
    starts?: readonly Start[]
  } = {},
): Promise<Float32Array[]> {
  const { dit, text } = model
  const { steps = STEPS, guidance = GUIDANCE } = options
  const [t, n, e] = [TEXT_TOKENS, IMAGE_TOKENS, dit.headDim / 2]
  const source = {
    weights: (name: string) => ({ kind: "values" as const, data: weights.get(name)! }),
    attention: "parts" as const,
  }
  const open = (model: Uint8Array) =>
    ort.InferenceSession.create(model, { intraOpNumThreads: options.threads ?? 2, logSeverityLevel: 3 })
  const run = async (s: ort.InferenceSession, feeds: Record<string, Feed>): Promise<Float32Array> => {
    const fed = Object.fromEntries(
      s.inputNames.map((name) => [
        name,
        new ort.Tensor(
          feeds[name]!.data instanceof BigInt64Array ? "int64" : "float32",
          feeds[name]!.data as Float32Array,
          feeds[name]!.shape,
        ),
      ]),
    )
    return (await s.run(fed)).out!.data as Float32Array
  }
  const table = {
    cosine: input("text.cosine", [t, text.headDim / 2]),
    sine: input("text.sine", [t, text.headDim / 2]),
  }
  const w = new Weights()
  const taps = wordTaps(
    input("ids", ["B", t], "int64"),
    input("vectors", ["B", t, WORD_VECTOR]),
    table,
    input("causal", ["B", 1, t, t]),
    w.at("text"),
    text,
  )
  const reader = await open(
    compile({ out: textFusion(taps, w, dit, input("textBias", ["B", 1, 1, t])).text }, source).model,
  )
  const network = denoiser(
    {
      image: input("image", ["B", n, dit.channels * 4]),
      time: input("time", ["B", 1, dit.timeDim]),
      text: input("text", ["B", CONDITION_TOKENS, dit.features]),
      rope: {
        cosine: input("cosine", [CONDITION_TOKENS + n, e]),
        sine: input("sine", [CONDITION_TOKENS + n, e]),
      },
      bias: input("bias", ["B", 1, 1, CONDITION_TOKENS + n]),
    },
    new Weights(),
    dit,
  )
  const painter = await open(compile({ out: network.velocity }, source).model)
  const textTable = textRope(t, text.headDim, text.ropeTheta)
  const latents: Float32Array[] = []
  for (const [k, prompt] of prompts.entries()) {
    const words = [prompt, ""].map((p) => model.vocabulary.tokens(p, t))
    const ids = new BigInt64Array(2 * t)
    const vectors = new Float32Array(2 * t * WORD_VECTOR)
    words.forEach((wt, b) => {
      wt.ids.forEach((id, i) => {
        ids[b * t + i] = BigInt(id)
      })
      vectors.set(wt.vectors, b * t * WORD_VECTOR)
    })
    const lengths = words.map((wt) => wt.ids.length)
    const read = await run(reader, promptFeeds(ids, vectors, lengths, textTable))
    const conditions = new Float32Array(2 * CONDITION_TOKENS * dit.features)
    for (const b of [0, 1])
      conditions.set(
        read.subarray(b * t * dit.features, (b + 1) * t * dit.features),
        b * CONDITION_TOKENS * dit.features,
      )
    const x = new Random((options.seed ?? 1000) + k).normals(64 * dit.channels * 4)
    const start = options.starts?.[k]
    const times = scheduleFrom(schedule(steps, shiftFor(64)), start?.time ?? 1)
    if (start) {
      const clean = patchify(start.latent, dit.channels, 16, 16)
      for (let j = 0; j < x.length; j++) x[j] = (1 - start.time) * clean[j]! + start.time * x[j]!
    }
    for (let i = 0; i < times.length - 1; i++) {
      const image = new Float32Array(2 * n * dit.channels * 4)
      image.set(x)
      image.set(x, n * dit.channels * 4)
      const feeds = imageFeeds(image, [times[i]!, times[i]!], lengths, 8, 8, dit)
      const v = await run(painter, {
        ...feeds,
        text: { data: conditions, shape: [2, CONDITION_TOKENS, dit.features] },
      })
      const other = n * dit.channels * 4
      for (let j = 0; j < x.length; j++) {
        const c = v[j]!
        x[j]! += (times[i + 1]! - times[i]!) * (c + guidance * (c - v[other + j]!))
      }
    }
    latents.push(unpatchify(x, dit.channels, 16, 16))
  }
  await reader.release()
  await painter.release()
  return latents
}

export async function drawSheet(
  weights: ReadonlyMap<string, Float32Array>,
  folder: string,
  { samples }: Counters,
  model: SheetModel,
): Promise<Record<string, number>> {
  const vae = await loadRun("runs/vae")
  const coder = await createCoder(vae!.average)
  const latents = await drawLatents(weights, model, SHEET_PROMPTS)
  const pictures: Planes[] = []
  for (const z of latents) {
    const raw = asEncoded(z, model.statistics)
    pictures.push({ data: await coder.decode(raw, 128, 128), width: 128, height: 128 })
  }
  await coder.close()
  await writeSheet(
    `${folder}/sheet-${String(samples).padStart(8, "0")}.png`,
    [0, 1, 2, 3].map((i) => pictures.slice(i * 6, i * 6 + 6)),
  )
  return {}
}
