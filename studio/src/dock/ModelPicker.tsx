// Which model paints, where there is more than one.

import { Maximize2, Paintbrush, Zap } from "lucide-react"
import type { Capabilities, Model } from "../api/types.ts"
import { useMessages } from "../messages/index.ts"
import { chooseModel } from "../state/draft.ts"
import { Button } from "../ui/Button.tsx"
import { Pop } from "../ui/overlays.tsx"
import { modelName } from "../ui/words.ts"

const ICONS = { medium: Paintbrush, large: Maximize2, "medium-turbo": Zap }

export function ModelPicker({ capabilities, model }: { capabilities: Capabilities; model: Model }) {
  const messages = useMessages()
  const { model: t } = messages
  const { models } = capabilities
  const nameOf = (m: Model): string => modelName(m, models, messages)
  if (models.length < 2) return null
  const Icon = ICONS[model.variant]
  return (
    <Pop
      label={t.title}
      className="model-pop"
      button={
        <Button className="dock-model" aria-label={t.button(nameOf(model))}>
          <Icon size={16} aria-hidden />
          {nameOf(model)}
        </Button>
      }
    >
      <h2 className="pop-title">{t.title}</h2>
      <ul className="level-list">
        {models.map((m) => (
          <li key={m.name}>
            <button
              type="button"
              className="level model"
              aria-pressed={m.name === model.name}
              onClick={() => chooseModel(capabilities, m)}
            >
              <b>{nameOf(m)}</b>
              <span>{t.lines[m.variant]}</span>
            </button>
          </li>
        ))}
      </ul>
    </Pop>
  )
}
