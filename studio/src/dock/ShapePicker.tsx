// The picture's shape, chosen by its shape.
import type { Capabilities, Model } from "../api/types.ts"
import { useMessages } from "../messages/index.ts"
import { draft, type Shape, shapeOf, shapesOf } from "../state/draft.ts"
import { useStore } from "../state/store.ts"
import { Button } from "../ui/Button.tsx"
import { Pop } from "../ui/overlays.tsx"

/** An outline in the ratio, inside a square of `size`. */
export function ShapeIcon({ shape, size = 16 }: { shape: Shape; size?: number }) {
  const scale = (size - 2) / Math.max(shape.width, shape.height)
  const [w, h] = [shape.width * scale, shape.height * scale]
  return (
    <svg width={size} height={size} aria-hidden>
      <rect
        x={(size - w) / 2}
        y={(size - h) / 2}
        width={w}
        height={h}
        rx={1.5}
        fill="none"
        stroke="currentcolor"
        strokeWidth={1.5}
      />
    </svg>
  )
}

export function ShapePicker({ capabilities, model }: { capabilities: Capabilities; model: Model }) {
  const { shape: t } = useMessages()
  const shapes = shapesOf(capabilities, model)
  const [width, height] = [useStore(draft, (d) => d.width), useStore(draft, (d) => d.height)]
  const now = shapeOf({ width, height }, shapes)
  return (
    <Pop
      label={t.title}
      className="shape-pop"
      button={
        <Button aria-label={t.button(now.name)}>
          <ShapeIcon shape={now} />
          {now.name}
        </Button>
      }
    >
      <h2 className="pop-title">{t.title}</h2>
      <div className="shape-list" role="radiogroup" aria-label={t.title}>
        {shapes.map((shape) => (
          <label key={shape.name} className="shape" title={t.value(shape.name, shape.width, shape.height)}>
            <input
              type="radio"
              name="shape"
              aria-label={t.value(shape.name, shape.width, shape.height)}
              checked={shape.name === now.name}
              onChange={() => draft.set({ width: shape.width, height: shape.height })}
            />
            <ShapeIcon shape={shape} size={36} />
            <span>{shape.name}</span>
          </label>
        ))}
      </div>
      <p className="small muted">
        {now.width} × {now.height}
      </p>
    </Pop>
  )
}
