// The references in the dock: a row of slots, and what they add up to.
import { useMessages } from "../messages/index.ts"
import { type DraftReference, draft } from "../state/draft.ts"
import { useStore } from "../state/store.ts"
import { useReorder } from "../ui/reorder.ts"
import { decimal } from "../ui/words.ts"
import { ReferenceSlot } from "./ReferenceSlot.tsx"

export function References() {
  const t = useMessages()
  const references = useStore(draft, (d) => d.references)
  const move = (from: number, to: number): void => {
    if (to < 0 || to >= references.length) return
    const moved = references.toSpliced(from, 1)
    draft.set({ references: moved.toSpliced(to, 0, references[from]!) })
  }
  const reorder = useReorder(
    references.map((r) => r.key),
    move,
  )
  const change = (key: string, part: Partial<DraftReference> | null): void =>
    draft.set((d) => ({
      references: part
        ? d.references.map((r) => (r.key === key ? { ...r, ...part } : r))
        : d.references.filter((r) => r.key !== key),
    }))
  if (references.length === 0) return null
  return (
    <ol className="slots" aria-label={t.references.title}>
      {references.map((reference, i) => (
        <ReferenceSlot
          key={reference.key}
          reference={reference}
          number={i + 1}
          isLast={i === references.length - 1}
          onChange={(part) => change(reference.key, part)}
          onMove={(by) => move(i, i + by)}
          drag={reorder(reference.key)}
        />
      ))}
    </ol>
  )
}

/** Beyond this sum of weights the look wins over the words. */
const STRONG = 2.4

/** On a line of its own: what the row of slots scrolls out of sight is said all the same. */
export function Influence() {
  const { references: t } = useMessages()
  const references = useStore(draft, (d) => d.references)
  const sum = references.reduce((s, r) => s + (r.muted || r.failed ? 0 : Math.abs(r.weight)), 0)
  const word =
    sum === 0
      ? t.influenceNone
      : sum < 0.7
        ? t.influenceLight
        : sum <= STRONG
          ? t.influenceEven
          : t.influenceStrong
  if (references.length === 0) return null
  const bars = Math.min(5, Math.ceil((sum / STRONG) * 4))
  return (
    <div className="influence" title={word}>
      <span className="small muted">{t.influence}</span>
      {/* biome-ignore lint/a11y/useSemanticElements: a native meter cannot be drawn as bars */}
      <span
        className="influence-bars"
        role="meter"
        aria-label={t.influence}
        aria-valuemin={0}
        aria-valuemax={20}
        aria-valuenow={Math.round(sum * 100) / 100}
        aria-valuetext={`${t.influenceValue(decimal(sum, 1))}. ${word}`}
      >
        {[1, 2, 3, 4, 5].map((n) => (
          <i key={n} data-on={n <= bars || undefined} data-strong={(bars === 5 && n === 5) || undefined} />
        ))}
      </span>
      <span className={`small influence-word ${sum > STRONG ? "strong" : "muted"}`}>{word}</span>
    </div>
  )
}
