// Where pictures go, and writing them whole or not at all.
import { existsSync } from "node:fs"
import { access, constants, mkdir, stat } from "node:fs/promises"
import { basename, dirname, extname, join, resolve } from "node:path"
import { writeWhole } from "../checkpoint/files.ts"
import type { Picture } from "../request/engine.ts"
import { AtelierError } from "../request/errors.ts"

/** A text as the name of a file: its first 48 letters, with their marks, and digits. */
export const fileName = (text: string, otherwise: string): string =>
  Array.from(
    text
      .normalize("NFC")
      .replace(/[^\p{L}\p{M}\p{N}_]+/gu, "-")
      .replace(/^-+/, ""),
  )
    .slice(0, 48)
    .join("")
    .replace(/-+$/, "") || otherwise

export interface Place {
  folder: string
  /** When the caller named a file: its whole path, and its name without extension. */
  file?: { path: string; name: string }
}

const FORMATS: Record<string, "png" | "jpg" | "webp"> = {
  ".png": "png",
  ".jpg": "jpg",
  ".jpeg": "jpg",
  ".webp": "webp",
}

/** The format that an --out file name asks for. */
export const formatOf = (out: string | undefined): "png" | "jpg" | "webp" | undefined =>
  out === undefined ? undefined : FORMATS[extname(out).toLowerCase()]

/** Names that ask for pictures we do not make: a folder called so is not what was meant. */
const OTHER_FORMATS = /^\.(gif|bmp|tiff?|avif|heic|heif|jxl|svg|pdf)$/i

/**
 * Where to write pictures of a format: a folder (made if missing), or a file. Checked before the work begins, so that
 * nobody waits for pictures that cannot be kept. Throws file_write, and invalid_request for a file name of another
 * format.
 */
export async function placeFor(out: string | undefined, format: Picture["format"]): Promise<Place> {
  const isNew = out !== undefined && !(await isFolder(out))
  const named = isNew ? formatOf(out) : undefined
  if (isNew && OTHER_FORMATS.test(extname(out)))
    throw wrongName(`${extname(out)} is not possible; png, jpg and webp are.`)
  if (named !== undefined && named !== format)
    throw wrongName(`${out} is a name for ${named}, and the picture is ${format}; end it in .${format}.`)
  const isFile = named !== undefined
  const path = resolve(out ?? ".")
  const folder = isFile ? dirname(path) : path
  await writableFolder(folder)
  return { folder, ...(isFile && { file: { path, name: basename(path, extname(path)) } }) }
}

const wrongName = (message: string): AtelierError =>
  new AtelierError("invalid_request", `--out: ${message}`, { field: "out" })

/** Makes a folder that is missing. Throws file_write where none can be made, or nothing written to it. */
export async function writableFolder(folder: string): Promise<void> {
  try {
    await makeFolder(folder)
    await access(folder, constants.W_OK)
  } catch (cause) {
    throw new AtelierError("file_write", `Nothing can be written to ${folder}; choose another --out.`, {
      field: "out",
      cause,
    })
  }
}

// One by one: where nothing can be made (/proc), Node's own recursive mkdir never comes back.
async function makeFolder(path: string): Promise<void> {
  if (await isFolder(path)) return
  if (dirname(path) !== path) await makeFolder(dirname(path))
  await mkdir(path).catch(async (cause) => {
    if (!(await isFolder(path))) throw cause
  })
}

export async function isFolder(path: string): Promise<boolean> {
  return (await stat(path).catch(() => undefined))?.isDirectory() ?? false
}

/** Writes one picture: a named file is replaced, a name made up of its prompt never is. */
export async function writePicture(
  place: Place,
  picture: Picture,
  { prompt, single, signal }: { prompt: string; single: boolean; signal?: AbortSignal },
): Promise<string> {
  const path = single && place.file ? place.file.path : freePath(place, picture, prompt)
  await writeWhole(path, (file) => file.write(picture.bytes), signal)
  return path
}

function freePath({ folder, file }: Place, { seed, format }: Picture, prompt: string): string {
  const stem = join(folder, `${file?.name ?? fileName(prompt.toLowerCase(), "picture")}-${seed}`)
  let path = `${stem}.${format}`
  for (let n = 2; existsSync(path) && file === undefined; n++) path = `${stem}-${n}.${format}`
  return path
}
