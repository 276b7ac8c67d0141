// The picture that is varied: by its seed, and how far to leave it.
import { Shuffle, X } from "lucide-react"
import { thumb } from "../api/client.ts"
import { useJob, useLineage } from "../api/queries.ts"
import { useMessages } from "../messages/index.ts"
import { type DraftVariation, draft, turnedBy } from "../state/draft.ts"
import { useStore } from "../state/store.ts"
import { VARY } from "../state/work.ts"
import { IconButton } from "../ui/Button.tsx"
import { NumberField, Range } from "../ui/fields.tsx"
import { exact, turnsSaid } from "../ui/words.ts"

const STOPS = Object.values(VARY)

export function VariationSlot() {
  const variation = useStore(draft, (d) => d.variation)
  return variation && <Slot variation={variation} />
}

function Slot({ variation }: { variation: DraftVariation }) {
  const { variation: t } = useMessages()
  const { strength } = variation.of.at(-1)!
  const change = (to: number): void => draft.set({ variation: turnedBy(variation, to) })
  const { changes } = t
  const word =
    strength === 0
      ? changes.nothing
      : strength < 0.45
        ? changes.details
        : strength < 0.8
          ? changes.shapes
          : changes.all
  return (
    <div className="slot variation-slot">
      <span className="slot-picture">
        <Varied variation={variation} />
        <IconButton
          className="small slot-remove"
          label={t.remove}
          onPress={() => draft.set({ variation: null })}
        >
          <X size={14} />
        </IconButton>
      </span>
      <div className="slot-body">
        <div className="slot-head">
          <span className="slot-side" title={`${t.of} ${turnsSaid(variation.of)}. ${t.hint}`}>
            {t.of}
            <span className="slot-of muted small">
              <bdi>{variation.of.map((turn) => turn.seed).join(" → ")}</bdi>
            </span>
          </span>
          <NumberField
            className="slot-number"
            label={t.exact}
            value={strength}
            min={0}
            max={1}
            step={0.05}
            onChange={(v) => change(v ?? VARY.subtly)}
          />
        </div>
        <Range
          label={t.slider}
          text={`${exact(strength)}, ${word}`}
          value={strength}
          min={0}
          max={1}
          step={0.05}
          stops={STOPS}
          onChange={change}
        />
      </div>
    </div>
  )
}

/** Its thumbnail, where the take that was recalled knows the picture and it is still there. */
function Varied({ variation }: { variation: DraftVariation }) {
  const parent = useLineage(variation.job).data?.cameFrom.find((l) => l.role === "variation")
  const { seed } = variation.of.at(-1)!
  const job = useJob(parent?.job ?? null).data
  const pictures = job?.deletedAt === null ? job.pictures : []
  const picture = pictures.find((p) => p.id === parent?.picture && p.seed === seed)
  return picture ? (
    <img src={thumb(picture, 320)} alt="" draggable={false} />
  ) : (
    <Shuffle size={18} aria-hidden />
  )
}
