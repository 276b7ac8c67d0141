// How the page looks: theme, density, language; and the way to shortcuts, the API and out.
import { BookOpen, Command, Grid3x3, Keyboard, LogOut, Settings } from "lucide-react"
import { call } from "../api/client.ts"
import type { Capabilities } from "../api/types.ts"
import { isLanguage, LANGUAGES, useMessages } from "../messages/index.ts"
import { complain, page } from "../state/page.ts"
import { type Density, settings, type Theme } from "../state/settings.ts"
import { useStore } from "../state/store.ts"
import { Button, IconButton } from "../ui/Button.tsx"
import { Segments, Select } from "../ui/fields.tsx"
import { Pop } from "../ui/overlays.tsx"

export function ViewMenu({ capabilities }: { capabilities: Capabilities }) {
  const { view: t, signIn, history, grid } = useMessages()
  const { theme, density, language, layout } = useStore(settings, (s) => s)
  return (
    <Pop
      label={t.settings}
      placement="bottom end"
      button={
        <IconButton label={t.settings}>
          <Settings size={18} />
        </IconButton>
      }
    >
      <div className="stack view-pop">
        <div className="stack tight">
          <span className="label">{t.theme}</span>
          <Segments<Theme>
            label={t.theme}
            value={theme}
            options={(["system", "light", "dark"] as const).map((value) => ({
              value,
              label: t.themes[value],
            }))}
            onChange={(value) => settings.set({ theme: value })}
          />
        </div>
        <div className="stack tight">
          <span className="label">{history.layout}</span>
          <Segments
            label={history.layout}
            value={layout}
            options={[
              { value: "takes", label: history.takes },
              { value: "wall", label: history.wall },
            ]}
            onChange={(value) => settings.set({ layout: value })}
          />
        </div>
        <div className="stack tight">
          <span className="label">{t.density}</span>
          <Segments<Density>
            label={t.density}
            value={density}
            options={(["comfortable", "compact"] as const).map((value) => ({
              value,
              label: t.densities[value],
            }))}
            onChange={(value) => settings.set({ density: value })}
          />
        </div>
        <div className="stack tight">
          <span className="label">{t.language}</span>
          <Select
            label={t.language}
            value={language}
            options={Object.entries(LANGUAGES).map(([value, label]) => ({ value, label }))}
            onChange={(value) => isLanguage(value) && settings.set({ language: value })}
          />
        </div>
        <div className="stack tight links">
          <Button slot="close" className="phone-only" onPress={() => page.set({ surface: "grid" })}>
            <Grid3x3 size={16} aria-hidden />
            {grid.open}
          </Button>
          <Button slot="close" className="phone-only" onPress={() => page.set({ panel: "palette" })}>
            <Command size={16} aria-hidden />
            {t.commands}
          </Button>
          <Button slot="close" onPress={() => page.set({ panel: "help" })}>
            <Keyboard size={16} aria-hidden />
            {t.shortcuts}
          </Button>
          <a className="button quiet" href="docs" target="_blank" rel="noreferrer">
            <BookOpen size={16} aria-hidden />
            {t.api}
          </a>
          {capabilities.keyNeeded && (
            <Button
              onPress={() => void call("DELETE", "api/session").then(() => location.reload(), complain)}
            >
              <LogOut size={16} aria-hidden />
              {signIn.out}
            </Button>
          )}
        </div>
      </div>
    </Pop>
  )
}
