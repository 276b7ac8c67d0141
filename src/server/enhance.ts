// A small local prompt enhancer: adds what a photographer or painter would decide next. Deterministic by prompt
// and version, no model; the engine's own expansion by creativity is something else and stays with the engine.
import { createHash } from "node:crypto"

const LIGHT = [
  "soft window light",
  "golden hour light",
  "overcast light",
  "a single warm lamp",
  "rim light from behind",
]
const FRAMING = [
  "close framing",
  "wide framing with room to breathe",
  "a low viewpoint",
  "centred composition",
  "an off-centre subject",
]
const SURFACE = ["fine texture", "muted colours", "rich natural colours", "gentle film grain", "crisp detail"]
const DEPTH = [
  "shallow depth of field",
  "everything in focus",
  "a softly blurred background",
  "layered depth",
]

/** The prompt with decisions added, at most about `maxTokens` words and marks long. */
export function enhance(prompt: string, version: number, maxTokens: number): string {
  const hash = createHash("sha256").update(`${prompt}\n${version}`).digest()
  const pick = (list: readonly string[], i: number): string => list[hash[i]! % list.length]!
  const added = [pick(LIGHT, 0), pick(FRAMING, 1), pick(SURFACE, 2), pick(DEPTH, 3)]
  const own = prompt.trim().replace(/[.,\s]+$/, "")
  const parts = [own]
  for (const part of added) {
    if (`${parts.join(", ")}, ${part}`.split(/\s+/).length > maxTokens) break
    if (!own.toLowerCase().includes(part)) parts.push(part)
  }
  return parts.join(", ")
}
