// References, boards and sliders of a request as tokens beside the words: the part `controls` of the embedded family.
import { createHash } from "node:crypto"
import { stat } from "node:fs/promises"
import { join } from "node:path"
import { openSafetensors } from "../checkpoint/index.ts"
import { input } from "../graph/index.ts"
import { SLIDERS as SLIDER_COUNT, STYLE_TOKENS, sliderPowers, sliderTokens, Weights } from "../nets/index.ts"
import type { GenerationRequest } from "../request/request.ts"
import { openGraph } from "../runtime/networks.ts"
import { floats } from "../runtime/session.ts"
import { weightFiles } from "../runtime/weights.ts"
import type { Conditioner, PartContext, TextBranches } from "../sampling/parts.ts"
import { boardLooks } from "./board-looks.ts"
import { LookCache } from "./look-cache.ts"
import { lookEncoder } from "./look-encoder.ts"
import { lookBranches, type WeightedLook } from "./looks.ts"
import { type BranchTokens, beside, lookLane } from "./references.ts"
import { type AskedSlider, askedSliders, counterSliders } from "./sliders.ts"

/** Pictures of a board by its id, name or share code. Throws not_found. */
export type BoardReader = (id: string) => Promise<{ bytes: Uint8Array; weight: number }[]>

/** Opens file `controls`: the style encoder and the sliders' weights. */
export async function openControls(context: PartContext, readBoard: BoardReader): Promise<Conditioner> {
  const { runner, dit, readImage } = context
  const checkpoint = await openSafetensors(context.file("controls")!)
  const { features } = dit.config
  const encoder = lookEncoder(context, checkpoint)
  const powers = input("powers", ["B", SLIDER_COUNT, 4])
  const slider = await openGraph(
    runner,
    { tokens: sliderTokens(powers, new Weights(), features) },
    weightFiles(checkpoint),
  )

  const looks = new LookCache({
    folder: join(context.cache, "looks"),
    encoder: await encoderOf(context),
    values: STYLE_TOKENS * features,
    encode: (bytes, place) => encoder.encode(bytes, place),
  })

  async function asked({ references, board, seed }: GenerationRequest): Promise<WeightedLook[]> {
    const given = references.flatMap(({ image, weight }, i) => (weight === 0 ? [] : [{ image, weight, i }]))
    const single = given.map(async ({ image, weight, i }) => {
      const place = { name: `of reference ${i + 1}`, field: `references[${i}].image` }
      return { ...(await looks.look(await readImage(image, place.field), place, false)), weight }
    })
    const found = await Promise.all(single)
    if (!board || board.strength === 0) return found
    const pictures = await Promise.all(
      (await readBoard(board.id)).map(async ({ bytes, weight }) => ({
        ...(await looks.look(bytes, { name: "of the board", field: "board.id" })),
        weight,
      })),
    )
    return [...found, ...boardLooks(pictures, board.strength, seed ?? 0)]
  }

  /** A text with one token behind it for each slider. */
  async function withSliders(text: BranchTokens, moved: readonly AskedSlider[]): Promise<BranchTokens> {
    if (moved.length === 0) return text
    const values = [0, 0, 0]
    for (const { index, value } of moved) values[index] = value
    const { tokens } = await slider.run({ powers: floats(sliderPowers(values), [1, SLIDER_COUNT, 4]) })
    const all = tokens!.data as Float32Array
    return moved.reduce(
      (longer, { index }) => beside(longer, all.subarray(index * features, (index + 1) * features), features),
      text,
    )
  }

  return {
    async condition(request: GenerationRequest, text: TextBranches) {
      const moved = askedSliders(request)
      const prompt = await withSliders(text.prompt, moved)
      const negative = text.negative && (await withSliders(text.negative, counterSliders(moved)))
      const read = { ...text, prompt, ...(negative && { negative }) }
      const branches = lookBranches(await asked(request), { seed: request.seed ?? 0 })
      return lookLane(read, branches, features)
    },
    async close() {
      await encoder.close()
      await slider.close()
    },
  }
}

/** The model's name with what tells other weights under that name apart. */
async function encoderOf({ installed, file }: PartContext): Promise<string> {
  const hash = createHash("sha256")
  for (const part of ["vae", "controls"]) {
    const { size, mtimeMs } = await stat(file(part)!)
    hash.update(`${part} ${size} ${mtimeMs}\n`)
  }
  return `${installed.manifest.name}-${hash.digest("hex").slice(0, 12)}`
}
