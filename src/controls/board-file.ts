// A board as one file, pictures inside: what the service's export gives and its import takes, too.
import { readFile, stat } from "node:fs/promises"
import { z } from "zod"
import { decodeDataUri } from "../image/source.ts"
import { AtelierError } from "../request/errors.ts"
import { fieldName, LIMITS, valueAt } from "../request/request.ts"
import { sentenceOf } from "../request/sentences.ts"
import { type Board, type BoardFolder, boardName, parseJson, shareCode } from "./boards.ts"
import { contentHash } from "./look-cache.ts"

const [least, most] = LIMITS.referenceWeight

export const BoardFile = z.strictObject({
  atelier: z.literal("board/1"),
  name: z.string().min(1).max(120),
  pictures: z
    .array(z.strictObject({ image: z.string().startsWith("data:"), weight: z.number().min(least).max(most) }))
    .min(1)
    .max(LIMITS.boardPictures),
})
export type BoardFile = z.output<typeof BoardFile>

/** Bytes of an export that are read; JSON of this size still fits a string. */
export const BOARD_FILE_BYTES = 400_000_000

export async function exportBoard(boards: BoardFolder, name: string): Promise<BoardFile> {
  const board = await boards.find(name)
  const pictures = []
  for (const picture of board.pictures) {
    const bytes = await boards.picture(picture)
    const image = `data:image/${picture.format};base64,${Buffer.from(bytes).toString("base64")}`
    pictures.push({ image, weight: picture.weight })
  }
  return { atelier: "board/1", name: board.name, pictures }
}

/** Reads an export. Throws file_not_found, out_of_range or invalid_request with the field that is wrong. */
export async function readBoardFile(path: string): Promise<BoardFile> {
  const closed = (cause: unknown): never => {
    throw new AtelierError("file_not_found", `The board file ${path} cannot be opened; check the path.`, {
      cause,
    })
  }
  const found = await stat(path).catch(closed)
  if (found.size > BOARD_FILE_BYTES)
    throw new AtelierError(
      "out_of_range",
      `The board file ${path} has ${Math.round(found.size / 1e6)} MB, and ${BOARD_FILE_BYTES / 1e6} MB is the limit.`,
    )
  return boardFileOf(await readFile(path, "utf8").catch(closed), path)
}

/** An export from its text; `name` says in messages where it came from. */
export function boardFileOf(text: string, name: string): BoardFile {
  const value = parseJson(text.replace(/^\uFEFF/, ""))
  const parsed = BoardFile.safeParse(value)
  if (parsed.success) return parsed.data
  const issue = parsed.error.issues[0]!
  const reason =
    value === undefined
      ? "it is damaged or cut off"
      : sentenceOf(issue, fieldName(issue.path), valueAt(value, issue.path)).replace(/\.$/, "")
  throw new AtelierError("invalid_request", `${name} is no board file: ${reason}; export the board again.`)
}

/** Makes the board of a file. One that is here already is returned as it is; a taken name gets a number. */
export async function importBoard(
  boards: BoardFolder,
  file: BoardFile,
): Promise<{ board: Board; isNew: boolean }> {
  const pictures = file.pictures.map(({ image, weight }, i) => {
    const bytes = decodeDataUri(image, `pictures[${i}].image`)
    return { bytes, weight, name: `${i + 1} of the board`, hash: contentHash(bytes) }
  })
  const all = await boards.list()
  const known = all.find((b) => b.code === shareCode(pictures) && b.pictures.length === pictures.length)
  if (known) {
    await boards.keep(pictures)
    return { board: known, isNew: false }
  }
  const taken = new Set(all.map((b) => boardName(b.name)))
  let name = file.name
  for (let n = 2; taken.has(boardName(name)); n++) name = `${file.name.slice(0, 110)} ${n}`
  return { board: await boards.create(name, pictures), isNew: true }
}
