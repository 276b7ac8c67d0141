// Starts the studio page.
import "@fontsource-variable/inter/wght.css"
import "./styles/tokens.css"
import "./styles/base.css"
import "./styles/controls.css"
import "./styles/page.css"
import "./styles/dock.css"
import "./styles/dock-fit.css"
import "./styles/takes.css"
import "./styles/layers.css"
import "./styles/look.css"
import "./styles/compare.css"
import "./styles/mask.css"
import "./styles/grid.css"
import "./styles/panels.css"
import "./styles/motion.css"
import { QueryClientProvider } from "@tanstack/react-query"
import { StrictMode } from "react"
import { createRoot } from "react-dom/client"
import { App } from "./App.tsx"
import { queries } from "./api/cache.ts"
import { whenUnauthorized } from "./api/client.ts"
import { page } from "./state/page.ts"
import { applySettings } from "./state/settings.ts"

applySettings()
whenUnauthorized(() => page.set({ needsKey: true }))
createRoot(document.getElementById("root")!).render(
  <StrictMode>
    <QueryClientProvider client={queries}>
      <App />
    </QueryClientProvider>
  </StrictMode>,
)
