// The engine as people meet it: with creativity, references, boards and sliders.
import { join } from "node:path"
import { decodeDataUri } from "../image/source.ts"
import type { GenerationRequest } from "../request/request.ts"
import { findModel, homeFolder, modelFolders } from "../sampling/catalog.ts"
import {
  type EngineOptions as BareOptions,
  createEngine as createBareEngine,
  type LocalEngine,
} from "../sampling/engine.ts"
import type { Expand } from "../sampling/generate.ts"
import { weightsOf } from "../sampling/manifest.ts"
import { type BoardReader, conditioners } from "../sampling/parts.ts"
import { boardFileOf } from "./board-file.ts"
import { BoardFolder } from "./boards.ts"
import { openControls } from "./conditioner.ts"
import { chatFromEnvironment, createExpander, type Expander } from "./creativity/index.ts"

/** Boards are found in the folder `boards` of the user's home, unless `readBoard` says otherwise. */
export type EngineOptions = BareOptions

conditioners.controls = openControls

/** Boards kept in a folder; a board may also come inside the request, as its export in a data URI. */
export function folderBoards(folder: string): BoardReader {
  const boards = new BoardFolder(folder)
  return async (id) => {
    if (id.startsWith("data:")) {
      const file = boardFileOf(Buffer.from(id.slice(id.indexOf(",") + 1), "base64").toString(), "The board")
      return file.pictures.map(({ image, weight }, i) => ({
        bytes: decodeDataUri(image, `board.pictures[${i}]`),
        weight,
      }))
    }
    const board = await boards.find(id)
    return await Promise.all(
      board.pictures.map(async (p) => ({ bytes: await boards.picture(p), weight: p.weight })),
    )
  }
}

/**
 * Makes an engine with every control. Nothing is loaded before the first request, and its worker process lives
 * until `close`.
 *
 * @example
 * const engine = createEngine()
 * const { pictures } = await engine.generate(parseRequest({ prompt: "a red fox" }))
 * await engine.close()
 */
export function createEngine(options: EngineOptions = {}): LocalEngine {
  const home = options.home ?? homeFolder()
  return createBareEngine({
    ...options,
    readBoard: options.readBoard ?? folderBoards(join(home, "boards")),
    expand: options.expand ?? expandFor(options.folders ?? modelFolders(home)),
  })
}

/** Creativity in the words that the model at hand understands. */
function expandFor(folders: readonly string[]): Expand {
  const chat = chatFromEnvironment(process.env)
  const expanders = new Map<string, Expander>()
  return async ({ model, prompt, negativePrompt, creativity, references, board }, seed, signal) => {
    let expander = expanders.get(model)
    if (!expander) {
      const { manifest } = await findModel(model, [...folders])
      expander = createExpander({
        list: weightsOf(manifest),
        ...(chat && { chat }),
      })
      expanders.set(model, expander)
    }
    const hasLook = isNear(references) || (board?.strength ?? 0) > 0
    const avoid = negativePrompt.trim()
    const asked = { prompt, creativity, seed, ...(hasLook && { hasLook }), ...(avoid && { avoid }) }
    return await expander(asked, signal)
  }
}

/** Whether a picture is to come near, those added up that are given twice: what cancels is as if never given. */
function isNear(references: GenerationRequest["references"]): boolean {
  const sums = new Map<string, number>()
  for (const { image, weight } of references) sums.set(image, (sums.get(image) ?? 0) + weight)
  return [...sums.values()].some((sum) => sum > 1e-9)
}
