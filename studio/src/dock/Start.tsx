// The start image: a picture to begin from, and how far to leave it.
import { Brush, CircleAlert, Image, LoaderCircle, X } from "lucide-react"
import { MaskThumb } from "../mask/MaskThumb.tsx"
import { useMessages } from "../messages/index.ts"
import { draft, START_STRENGTH } from "../state/draft.ts"
import { openMask } from "../state/mask.ts"
import { failStart, whenGone } from "../state/missing.ts"
import { useStore } from "../state/store.ts"
import { Button, IconButton } from "../ui/Button.tsx"
import { NumberField, Range } from "../ui/fields.tsx"
import { exact } from "../ui/words.ts"

export function StartButton({ onChoose }: { onChoose: () => void }) {
  const { start: t } = useMessages()
  const has = useStore(draft, (d) => d.start !== null)
  return has ? null : (
    <Button aria-label={t.add} onPress={onChoose}>
      <Image size={16} aria-hidden />
      <span className="wide-only">{t.add}</span>
    </Button>
  )
}

export function StartSlot() {
  const { start: t, mask, references } = useMessages()
  const start = useStore(draft, (d) => d.start)
  if (!start) return null
  const hint = start.mask === undefined ? t.strengthHint : t.maskedHint
  const change = (strength: number): void => draft.set({ start: { ...start, strength } })
  return (
    <div className="slot start-slot" data-failed={start.failed ? true : undefined}>
      <span className="slot-picture">
        {start.thumb && (
          <img
            src={start.thumb}
            alt=""
            draggable={false}
            onError={() =>
              void whenGone(start.thumb, () =>
                failStart(start.image, { failed: references.failed, thumb: "" }),
              )
            }
          />
        )}
        {start.maskThumb && <MaskThumb mask={start.maskThumb} />}
        {start.failed && <CircleAlert size={18} aria-hidden />}
        {(!start.image || start.mask === "") && <LoaderCircle className="spin" size={18} aria-hidden />}
        <IconButton className="small slot-remove" label={t.remove} onPress={() => draft.set({ start: null })}>
          <X size={14} />
        </IconButton>
      </span>
      {start.failed ? (
        <span className="slot-failed" title={start.failed}>
          {references.failed}
        </span>
      ) : (
        <div className="slot-body">
          <div className="slot-head">
            <span className="slot-side" title={hint}>
              <span className="cut">{t.title}</span>
            </span>
            <NumberField
              className="slot-number"
              label={t.strength}
              value={start.strength}
              min={0}
              max={1}
              step={0.05}
              onChange={(v) => change(v ?? START_STRENGTH)}
            />
            <IconButton
              className="small"
              label={start.mask === undefined ? mask.paint : mask.change}
              isDisabled={!start.image}
              onPress={openMask}
            >
              <Brush size={14} />
            </IconButton>
          </div>
          <Range
            label={`${t.title}: ${t.strength}`}
            text={`${exact(start.strength)}. ${hint}`}
            value={start.strength}
            min={0}
            max={1}
            step={0.05}
            onChange={change}
          />
        </div>
      )}
    </div>
  )
}
