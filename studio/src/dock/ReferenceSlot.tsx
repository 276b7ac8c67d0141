// One reference: its picture, and how much towards its look or away from it.
import {
  ArrowLeft,
  ArrowRight,
  CircleAlert,
  EllipsisVertical,
  Eye,
  EyeOff,
  LoaderCircle,
  Trash2,
  X,
} from "lucide-react"
import type { HTMLAttributes } from "react"
import { useMessages } from "../messages/index.ts"
import type { DraftReference } from "../state/draft.ts"
import { whenGone } from "../state/missing.ts"
import { IconButton } from "../ui/Button.tsx"
import { NumberField, Range } from "../ui/fields.tsx"
import { Menus } from "../ui/overlays.tsx"
import { exact } from "../ui/words.ts"

const STOPS = [-1, 0, 0.6, 1]

interface Props {
  reference: DraftReference
  number: number
  isLast: boolean
  onChange: (part: Partial<DraftReference> | null) => void
  onMove: (by: number) => void
  drag: HTMLAttributes<HTMLElement>
}

export function ReferenceSlot({ reference, number, isLast, onChange, onMove, drag }: Props) {
  const { references: t } = useMessages()
  const { weight, muted } = reference
  const isOff = muted || weight === 0
  const side = !reference.image
    ? t.uploading
    : muted
      ? t.muted
      : weight === 0
        ? t.zero
        : weight > 0
          ? t.towards
          : t.away
  const moves = [
    ...(number > 1
      ? [{ id: "left", label: t.earlier(number), icon: <ArrowLeft size={16} />, run: () => onMove(-1) }]
      : []),
    ...(isLast
      ? []
      : [{ id: "right", label: t.later(number), icon: <ArrowRight size={16} />, run: () => onMove(1) }]),
  ]
  return (
    <li
      className="slot"
      data-off={isOff || undefined}
      data-failed={reference.failed ? true : undefined}
      {...drag}
    >
      <span className="slot-picture">
        {reference.thumb && (
          <img
            src={reference.thumb}
            alt=""
            draggable={false}
            onError={() => void whenGone(reference.thumb, () => onChange({ failed: t.failed, thumb: "" }))}
          />
        )}
        {!reference.image && !reference.failed && <LoaderCircle className="spin" size={18} aria-hidden />}
        {reference.failed && <CircleAlert size={18} aria-hidden />}
        <IconButton className="small slot-remove" label={t.remove(number)} onPress={() => onChange(null)}>
          <X size={14} />
        </IconButton>
      </span>
      <div className="slot-body">
        <div className="slot-head">
          {reference.failed ? (
            <span className="slot-failed" title={reference.failed}>
              {t.failed}
            </span>
          ) : (
            <>
              <span className="slot-side">
                {weight < 0 && !muted ? <ArrowLeft size={12} aria-hidden /> : null}
                <span className="cut">{side}</span>
                {weight > 0 && !muted ? <ArrowRight size={12} aria-hidden /> : null}
              </span>
              <NumberField
                className="slot-number"
                label={t.exact(number)}
                value={weight}
                min={-2}
                max={2}
                step={0.05}
                onChange={(v) => onChange({ weight: v ?? 0, muted: false })}
              />
            </>
          )}
          <Menus
            label={t.title}
            placement="top end"
            button={
              <IconButton className="small" label={`${t.title} ${number}`}>
                <EllipsisVertical size={14} />
              </IconButton>
            }
            groups={[
              [
                muted
                  ? {
                      id: "unmute",
                      label: t.unmute(number),
                      icon: <Eye size={16} />,
                      run: () => onChange({ muted: false }),
                    }
                  : {
                      id: "mute",
                      label: t.mute(number),
                      icon: <EyeOff size={16} />,
                      run: () => onChange({ muted: true }),
                    },
                ...moves,
              ],
              [
                {
                  id: "remove",
                  label: t.remove(number),
                  icon: <Trash2 size={16} />,
                  danger: true,
                  run: () => onChange(null),
                },
              ],
            ]}
          />
        </div>
        {!reference.failed && (
          <Range
            label={t.slider(number)}
            text={t.valueText(weight, exact(Math.abs(weight)))}
            value={weight}
            min={-2}
            max={2}
            step={0.05}
            stops={STOPS}
            className="bipolar"
            onChange={(v) => onChange({ weight: v, muted: false })}
          />
        )}
      </div>
    </li>
  )
}
