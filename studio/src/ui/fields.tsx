// Native fields in the page's clothes: range, number, choice. Native, so that every device knows how to use them.
import { type CSSProperties, type ReactNode, useEffect, useId, useRef, useState } from "react"
import { exact, readNumber } from "./words.ts"

interface RangeProps {
  label: string
  value: number
  min: number
  max: number
  step: number
  onChange: (value: number) => void
  /** How the value is spoken. */
  text?: string
  /** Values that the thumb falls onto when dragged near. */
  stops?: readonly number[]
  className?: string
  disabled?: boolean
}

/** A slider; when its range crosses 0, the fill begins there. */
export function Range({
  label,
  value,
  min,
  max,
  step,
  onChange,
  text,
  stops = [],
  className = "",
  disabled,
}: RangeProps) {
  const at = (v: number): number => ((v - min) / (max - min)) * 100
  const zero = min < 0 && max > 0 ? at(0) : 0
  const [from, to] = [Math.min(zero, at(value)), Math.max(zero, at(value))]
  const change = (raw: number, isDragged: boolean): void => {
    const near = isDragged ? stops.find((s) => Math.abs(s - raw) <= (max - min) * 0.016) : undefined
    onChange(near ?? raw)
  }
  const [isDragged, setDragged] = useState(false)
  return (
    <input
      type="range"
      className={`range ${value < 0 ? "away" : ""} ${className}`}
      style={{ "--from": `${from}%`, "--to": `${to}%` } as CSSProperties}
      aria-label={label}
      {...(text === undefined ? {} : { "aria-valuetext": text })}
      {...{ min, max, step, value, disabled }}
      onPointerDown={() => setDragged(true)}
      onPointerUp={() => setDragged(false)}
      onPointerCancel={() => setDragged(false)}
      onChange={(e) => change(e.target.valueAsNumber, isDragged)}
      onDoubleClick={() => min < 0 && onChange(0)}
    />
  )
}

interface NumberProps {
  label: string
  value: number | null
  min: number
  max: number
  step?: number
  placeholder?: string
  onChange: (value: number | null) => void
  /** Whether an empty field means null instead of being put back. */
  nullable?: boolean
  className?: string
}

const written = (value: number | null): string => (value === null ? "" : exact(value))

/** An exact number: taken over when the field is left or goes, or Enter is pressed, and kept within its limits. */
export function NumberField({
  label,
  value,
  min,
  max,
  step,
  placeholder,
  onChange,
  nullable,
  className = "",
}: NumberProps) {
  const own = written(value)
  const [text, setText] = useState(own)
  // While it is rendered, not after: else a frame would show the number in another language than its label.
  const [last, setLast] = useState(own)
  if (last !== own) {
    setLast(own)
    setText(own)
  }
  const within = (n: number): number => Math.min(max, Math.max(min, step === 1 ? Math.round(n) : n))
  const take = (number: number): void => {
    onChange(number)
    setText(written(number))
  }
  const commit = (): void => {
    // Who only passes by changes nothing.
    if (text === own) return
    const number = readNumber(text)
    const isEmpty = text.trim() === ""
    if (isEmpty && nullable) onChange(null)
    if (isEmpty || !Number.isFinite(number)) {
      setText(isEmpty && nullable ? "" : own)
      return
    }
    take(within(number))
  }
  // A popover that Escape closes takes the field away without its losing the focus first.
  const latest = useRef(commit)
  latest.current = commit
  useEffect(() => () => latest.current(), [])
  return (
    <input
      className={`field number ${className}`}
      inputMode={min < 0 ? "text" : step === 1 ? "numeric" : "decimal"}
      aria-label={label}
      placeholder={placeholder}
      value={text}
      onChange={(e) => setText(e.target.value)}
      onFocus={(e) => e.target.select()}
      onBlur={commit}
      onKeyDown={(e) => {
        if (e.key === "Enter") commit()
        if (e.key === "ArrowUp" || e.key === "ArrowDown") {
          e.preventDefault()
          const by = (step ?? (max - min) / 40) * (e.key === "ArrowUp" ? 1 : -1)
          // From what the field shows: the default too.
          const shown = readNumber(text.trim() || String(placeholder))
          const from = Number.isFinite(shown) ? shown : (value ?? min)
          take(within(Math.round((from + by) * 100) / 100))
        }
      }}
    />
  )
}

interface SegmentsProps<T extends string> {
  label: string
  value: T | null
  options: readonly { value: T; label: ReactNode; name?: string; title?: string }[]
  onChange: (value: T) => void
  className?: string
}

/** A choice among few, all in sight. */
export function Segments<T extends string>({
  label,
  value,
  options,
  onChange,
  className = "",
}: SegmentsProps<T>) {
  const name = useId()
  return (
    <fieldset className={`segments ${className}`} aria-label={label}>
      {options.map((o) => (
        <label className="segment" key={o.value} title={o.title}>
          <input
            type="radio"
            name={name}
            value={o.value}
            aria-label={o.name}
            checked={o.value === value}
            onChange={() => onChange(o.value)}
          />
          <span>{o.label}</span>
        </label>
      ))}
    </fieldset>
  )
}

interface SelectProps {
  label: string
  value: string
  options: readonly { value: string; label: string }[]
  onChange: (value: string) => void
}

export const Select = ({ label, value, options, onChange }: SelectProps) => (
  <select className="field" aria-label={label} value={value} onChange={(e) => onChange(e.target.value)}>
    {options.map((o) => (
      <option key={o.value} value={o.value}>
        {o.label}
      </option>
    ))}
  </select>
)
