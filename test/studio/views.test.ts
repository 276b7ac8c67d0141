// The page in a real browser: every view of it.

import { views } from "./cases/views.ts"
import { pageTests } from "./support.ts"

pageTests("the views of the page", [views])
