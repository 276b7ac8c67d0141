// How much a moodboard holds, for whoever makes one: the command line, the service and its dialects.
import { AtelierError } from "./errors.ts"
import { LIMITS } from "./request.ts"

/**
 * Throws out_of_range for what no board holds: no pictures, too many, or too large ones. `bytes` are those of the
 * pictures that are known so far, so that one that grows is refused before it is all in memory. `field` is the list's name.
 */
export function checkBoardSize(count: number, bytes: number, field = "pictures"): void {
  const { boardPictures, boardBytes } = LIMITS
  const refuse = (message: string): never => {
    throw new AtelierError("out_of_range", message, { field })
  }
  if (count === 0 || count > boardPictures)
    refuse(`A board holds 1 to ${boardPictures} pictures; ${count} were given.`)
  if (bytes > boardBytes)
    refuse(
      `The board's pictures have ${Math.ceil(bytes / 1e6)} MB together, and ${boardBytes / 1e6} MB is the limit; make them smaller.`,
    )
}
