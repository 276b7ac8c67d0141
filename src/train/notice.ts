// NOTICE: whose art and words the shipped weights are made from, written from the credits of the data.
import { CREDITS } from "./data/credits.ts"

/** The text of NOTICE. */
export function noticeText(): string {
  const entries = CREDITS.map(
    (c) =>
      `${c.title}\n  by ${c.author}\n  licence: ${c.licence}\n  source: ${c.source} (npm: ${c.package} ${c.version})\n  used as: ${c.use}\n  changes: ${c.changes}`,
  )
  return [
    "Atelier\nCopyright the Atelier authors. Licensed under the Apache License, Version 2.0.",
    "The weights of the embedded models (models/) were trained from scratch on the works below. The works themselves\nare not part of this package, except for the word vectors named last.",
    ...entries,
    "Licence texts: https://opensource.org/license/mit, https://www.apache.org/licenses/LICENSE-2.0,\nhttps://creativecommons.org/licenses/by/4.0/legalcode",
    "",
  ].join("\n\n")
}
