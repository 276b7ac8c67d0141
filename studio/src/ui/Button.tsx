// Buttons: with words, or with an icon and its name in a tooltip.
import type { ReactNode } from "react"
import { Button as AriaButton, type ButtonProps, Tooltip, TooltipTrigger } from "react-aria-components"

type Props = Omit<ButtonProps, "className" | "children"> & {
  kind?: "quiet" | "outlined" | "primary"
  className?: string
  children: ReactNode
}

export const Button = ({ kind = "quiet", className = "", ...props }: Props) => (
  <AriaButton {...props} className={`button ${kind} ${className}`} />
)

type IconProps = Omit<ButtonProps, "className" | "children"> & {
  label: string
  /** More than the name: shown in the tooltip only. */
  hint?: string
  className?: string
  pressed?: boolean
  children: ReactNode
}

/** Tooltips hang in the page's main part: nothing that is shown stands outside of a landmark. */
const ground = (): Element => document.querySelector("main") ?? document.body

export const IconButton = ({ label, hint, className = "", pressed, ...props }: IconProps) => (
  <TooltipTrigger delay={500} closeDelay={0}>
    <AriaButton
      {...props}
      aria-label={label}
      {...(pressed === undefined ? {} : { "aria-pressed": pressed })}
      className={`icon-button ${className}`}
    />
    <Tooltip className="tooltip" offset={6} UNSTABLE_portalContainer={ground()}>
      {hint ?? label}
    </Tooltip>
  </TooltipTrigger>
)
