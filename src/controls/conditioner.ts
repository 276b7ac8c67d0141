// References, boards and sliders of a request as tokens beside the words: the part `controls` of the embedded family.
import { createHash } from "node:crypto"
import { stat } from "node:fs/promises"
import { join } from "node:path"
import { openSafetensors } from "../checkpoint/index.ts"
import { input } from "../graph/index.ts"
import { SLIDERS as SLIDER_COUNT, STYLE_TOKENS, sliderPowers, sliderTokens, Weights } from "../nets/index.ts"
import { AtelierError } from "../request/errors.ts"
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

/** Opens file `controls`: the style encoder and the sliders' weights. */
export async function openControls(context: PartContext): Promise<Conditioner> {
  const { runner, dit, readImage, readBoard } = context
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

  const ofReference = oncePerObject(async (image: string, i: number) => {
    const place = { name: `of reference ${i + 1}`, field: `references[${i}].image` }
    return await looks.look(await readImage(image, place.field), place, false)
  })
  const ofBoard = oncePerObject(async (id: string) => {
    if (!readBoard) throw new AtelierError("not_found", "This engine has no boards.", { field: "board.id" })
    const pictures = (await readBoard(id)).map(async ({ bytes, weight }) => ({
      ...(await looks.look(bytes, { name: "of the board", field: "board.id" })),
      weight,
    }))
    return await Promise.all(pictures)
  })

  async function asked({ references, board, seed }: GenerationRequest): Promise<WeightedLook[]> {
    const single = references.flatMap((reference, i) => {
      const { image, weight } = reference
      return weight === 0 ? [] : [ofReference(reference, image, i).then((look) => ({ ...look, weight }))]
    })
    const found = await Promise.all(single)
    if (!board || board.strength === 0) return found
    return [...found, ...boardLooks(await ofBoard(board, board.id), board.strength, seed ?? 0)]
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
      const negative = await withSliders(text.negative, counterSliders(moved))
      const branches = lookBranches(await asked(request), { seed: request.seed ?? 0 })
      return lookLane({ ...text, prompt, negative }, branches, features)
    },
    async close() {
      await encoder.close()
      await slider.close()
    },
  }
}

/**
 * What `work` makes for an object of a request, made once: the pictures of a batch share the request's objects, and each would
 * read the same files again.
 */
function oncePerObject<Rest extends unknown[], T>(
  work: (...rest: Rest) => Promise<T>,
): (object: object, ...rest: Rest) => Promise<T> {
  const made = new WeakMap<object, Promise<T>>()
  return (object, ...rest) => {
    const known = made.get(object) ?? work(...rest)
    made.set(object, known)
    return known
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
