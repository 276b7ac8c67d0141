// What a list of ideas looks like: the expander takes one as input, so that each model gets words that it understands.
import type { Aspect } from "./aspects.ts"
import type { Tier } from "./levels.ts"
import type { Topic } from "./lexicon.ts"
import type { Kind } from "./subjects.ts"

export interface Idea {
  /** Aspects that it fills, all of which must be open and wanted. */
  aspects: readonly [Aspect, ...Aspect[]]
  text: string
  /** What ideas that say the same in other words share: none is drawn more often for having more of them. Liberties take turns by it. */
  look?: string
  tier: Tier
  /**
   * Where it goes: before the prompt ("a watercolor of ..."), after it, beside its subject ("a large fox"), or right
   * behind the subject as a second thing.
   */
  place: "head" | "tail" | "size" | "companion"
  /** The colour word within `text` that is an addition of its own. */
  colour?: string
  /** Names or brings colours: not where the prompt has its own. */
  bringsColour?: boolean
  /** Takes colours away (pencil, blueprint): not where the prompt has any. */
  losesColour?: boolean
  /** Keeps only the lines of what lies behind: coloured grounds have no effect beside it. */
  losesGround?: boolean
  /** Washes out stripes, dots and the like behind things. */
  losesPattern?: boolean
  /** Changes things and not what lies behind them: not where the prompt names a place alone. */
  ofThings?: boolean
  /** A coloured ground, which `losesGround` would lose. */
  isGround?: boolean
  /** A ground with a pattern, which `losesPattern` would lose. */
  isPattern?: boolean
  /** Brings its own time of day: not where the prompt has one. */
  bringsLight?: boolean
  /** Kinds of subject to which it is natural; a liberty pays no heed. */
  suits?: readonly Kind[]
  /** Other words for what it shows, so that "no trees" keeps the forest away. */
  shows?: readonly string[]
}

export interface IdeaList {
  name: "embedded" | "open"
  /** Words that the model reads, articles not counted; more would have no effect. */
  mostWords: number
  /** Aspects that one idea fills together are chosen together. */
  groups: readonly (readonly Aspect[])[]
  /** Topics of the prompt by which an aspect is no longer open. */
  closedBy: Readonly<Record<Aspect, readonly Topic[]>>
  /** Whether ideas are joined as a sentence of the training captions, or as a list with commas. */
  joined: "phrase" | "list"
  /** Words by which a prompt names a look that loses colour or ground: none is added to it. */
  losing?: ReadonlySet<string>
  /** Words by which a prompt asks for a patterned ground, and those by which it names a look that loses it. */
  patterns?: ReadonlySet<string>
  washing?: ReadonlySet<string>
  ideas: readonly Idea[]
}
