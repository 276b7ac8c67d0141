// What opens over the page: a popover at its button, a menu, a panel at the side, a surface over everything.
import { type ReactNode, type RefObject, useEffect, useRef } from "react"
import {
  Dialog,
  DialogTrigger,
  Menu,
  MenuItem,
  MenuTrigger,
  Modal,
  ModalOverlay,
  Popover,
  type PopoverProps,
  Separator,
} from "react-aria-components"
import { isComposing } from "../keys/bindings.ts"

interface PopProps {
  label: string
  button: ReactNode
  children: ReactNode
  placement?: PopoverProps["placement"]
  className?: string
}

export const Pop = ({ label, button, children, placement = "top", className = "" }: PopProps) => (
  <DialogTrigger>
    {button}
    <Popover
      // biome-ignore lint/a11y/useValidAriaValues: takes away the button's name; the dialog inside has its own, the frame is nothing
      aria-labelledby=""
      className={`popover ${className}`}
      placement={placement}
      offset={8}
      containerPadding={8}
    >
      <Dialog aria-label={label}>{children}</Dialog>
    </Popover>
  </DialogTrigger>
)

export interface MenuEntry {
  id: string
  label: string
  icon?: ReactNode
  keys?: string | undefined
  danger?: boolean
  href?: string
  run?: () => void
}

interface MenusProps {
  label: string
  button: ReactNode
  /** Groups are divided by a line. */
  groups: readonly (readonly MenuEntry[])[]
  placement?: PopoverProps["placement"]
}

export const Menus = ({ label, button, groups, placement = "bottom end" }: MenusProps) => (
  <MenuTrigger>
    {button}
    <Popover className="popover" placement={placement} offset={4} containerPadding={8}>
      <Menu className="menu" aria-label={label}>
        {groups
          .filter((g) => g.length > 0)
          .flatMap((group, i) => [
            ...(i > 0 ? [<Separator key={`line-${group[0]!.id}`} className="menu-line" />] : []),
            ...group.map((entry) => (
              <MenuItem
                key={entry.id}
                id={entry.id}
                textValue={entry.label}
                className={`menu-item ${entry.danger ? "danger" : ""}`}
                {...(entry.href ? { href: entry.href } : {})}
                {...(entry.run ? { onAction: entry.run } : {})}
              >
                {entry.icon}
                <span>{entry.label}</span>
                {entry.keys ? <kbd>{entry.keys}</kbd> : null}
              </MenuItem>
            )),
          ])}
      </Menu>
    </Popover>
  </MenuTrigger>
)

/**
 * Escape closes the topmost layer wherever the keyboard is. What is inside hears it first; but while a layer opens, or
 * when the button that had the keyboard is gone, nothing inside has it.
 */
function useEscape(leave: () => void): RefObject<HTMLDivElement | null> {
  const layer = useRef<HTMLDivElement>(null)
  const latest = useRef(leave)
  latest.current = leave
  useEffect(() => {
    const listen = (e: KeyboardEvent): void => {
      if (e.key !== "Escape" || e.defaultPrevented || isComposing(e)) return
      if ([...document.querySelectorAll(".over")].at(-1) !== layer.current) return
      e.preventDefault()
      latest.current()
    }
    addEventListener("keydown", listen)
    return () => removeEventListener("keydown", listen)
  }, [])
  return layer
}

interface OverProps {
  label: string
  /** `side` at the right edge, `middle` as a card, `whole` over everything. */
  as: "side" | "middle" | "whole" | "sheet"
  onClose: () => void
  children: ReactNode
  className?: string
}

/** A modal layer: keeps the keyboard inside and gives it back to where it came from. */
export const Over = ({ label, as, onClose, children, className = "" }: OverProps) => (
  <ModalOverlay
    ref={useEscape(onClose)}
    isOpen
    isDismissable={as !== "whole"}
    onOpenChange={(isOpen) => !isOpen && onClose()}
    className={`over over-${as} ${className}`}
  >
    <Modal className={`over-box over-box-${as}`}>
      <Dialog aria-label={label} className="over-dialog">
        {children}
      </Dialog>
    </Modal>
  </ModalOverlay>
)
