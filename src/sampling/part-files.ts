// Files of a model's parts beside the networks: where they are, and what they hold.
import { readFile } from "node:fs/promises"
import { AtelierError } from "../request/errors.ts"
import type { TextContext } from "./parts.ts"
import { readThesaurus, type ThesaurusEntry, type WordTable } from "./words.ts"

/** The path of a part that a model must have. Throws `model_invalid` where its manifest names none. */
export const required = ({ file, installed }: TextContext, part: string): string => {
  const path = file(part)
  if (path) return path
  throw new AtelierError(
    "model_invalid",
    `The model ${installed.manifest.name} names no ${part} in its files.`,
  )
}

/** What a part's file holds. Throws `model_invalid` where it is missing or is not what it should be. */
export async function readPart<T>(path: string, parse: (bytes: Buffer) => T): Promise<T> {
  try {
    return parse(await readFile(path))
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause)
    throw new AtelierError(
      "model_invalid",
      `The model's file ${path} cannot be read (${why}); install the model again.`,
      { cause },
    )
  }
}

export const json = <T>(bytes: Buffer): T => JSON.parse(bytes.toString()) as T

/** Which words stand for others, where the model has a thesaurus. */
export async function thesaurusOf({ file }: TextContext): Promise<WordTable["instead"]> {
  const path = file("thesaurus")
  return path === undefined
    ? undefined
    : await readPart(path, (bytes) => readThesaurus(json<ThesaurusEntry[]>(bytes)))
}
