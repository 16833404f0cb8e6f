// `npm start`: sets a fresh clone up and runs the demo site.
import { ensureBuilt, ensureInstalled, root } from './setup.mjs'

ensureInstalled()
ensureBuilt()
// The config and the state file are those that `npx maintenance-mode` finds in the clone.
process.chdir(root)
await import('../examples/express-shop/server.js')
