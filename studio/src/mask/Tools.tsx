// The tools under the picture: what is in the hand, how large it is, and what is done to the whole mask.
import { Brush, Check, Contrast, Eraser, Redo2, SquareDashed, Trash2, Undo2 } from "lucide-react"
import { shown } from "../keys/bindings.ts"
import { useMessages } from "../messages/index.ts"
import { say } from "../state/announce.ts"
import { useStore } from "../state/store.ts"
import { Button, IconButton } from "../ui/Button.tsx"
import { NumberField, Range, Segments } from "../ui/fields.tsx"
import { brush, SIZES, tool } from "./brush.ts"
import type { Painting } from "./painting.ts"

interface Props {
  painting: Painting
  onUse: () => void
  /** Where there is a mask to be taken away. */
  onRemove: (() => void) | null
}

export function Tools({ painting, onUse, onRemove }: Props) {
  const { mask: t } = useMessages()
  const { undo, redo } = useStore(painting.history, (h) => h)
  const inHand = useStore(tool, (now) => now.now)
  const size = useStore(brush, (b) => b.size)
  const resize = (to: number | null): void => brush.set({ size: to ?? SIZES.least })
  const range = { value: size, min: SIZES.least, max: SIZES.most, step: 1, onChange: resize }
  const change = (what: "undo" | "redo" | "clear" | "invert", said: string) => (): void => {
    painting[what]()
    say(said)
  }
  return (
    <div className="mask-tools">
      <div className="mask-size" title="[ ]">
        <i className="mask-dot" style={{ scale: String(0.2 + (0.8 * size) / SIZES.most) }} aria-hidden />
        <Range label={t.size} text={t.sizeText(size)} {...range} />
        <NumberField className="narrow" label={t.sizeExact} {...range} />
      </div>
      <Segments
        label={t.tool}
        value={inHand}
        options={[
          {
            value: "brush",
            name: t.brush,
            title: `${t.brush} (B)`,
            label: <Named icon={Brush} text={t.brush} />,
          },
          {
            value: "eraser",
            name: t.eraser,
            title: `${t.eraser} (E)`,
            label: <Named icon={Eraser} text={t.eraser} />,
          },
        ]}
        onChange={(now) => tool.set({ now })}
      />
      <div className="mask-history">
        <IconButton
          label={t.undo}
          hint={`${t.undo} (${shown("mod+z")})`}
          isDisabled={undo === 0}
          onPress={change("undo", t.undone)}
        >
          <Undo2 size={18} />
        </IconButton>
        <IconButton
          label={t.redo}
          hint={`${t.redo} (${shown("mod+shift+z")})`}
          isDisabled={redo === 0}
          onPress={change("redo", t.redone)}
        >
          <Redo2 size={18} />
        </IconButton>
        <IconButton label={t.invert} onPress={change("invert", t.inverted)}>
          <Contrast size={18} />
        </IconButton>
        <IconButton label={t.clear} onPress={change("clear", t.cleared)}>
          <SquareDashed size={18} />
        </IconButton>
      </div>
      <div className="mask-go">
        {onRemove && (
          <Button kind="outlined" onPress={onRemove}>
            <Trash2 size={16} aria-hidden />
            {t.remove}
          </Button>
        )}
        <Button kind="primary" onPress={onUse}>
          <Check size={16} aria-hidden />
          {t.use}
        </Button>
      </div>
    </div>
  )
}

const Named = ({ icon: Icon, text }: { icon: typeof Brush; text: string }) => (
  <>
    <Icon size={16} aria-hidden />
    <span>{text}</span>
  </>
)
