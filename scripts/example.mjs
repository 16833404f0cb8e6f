// `npm run example <name>`: sets a fresh clone up and starts an example; `npm start` is the demo shop.
import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { ensureBuilt, ensureInstalled, root, run, runIn } from './setup.mjs'

const examples = join(root, 'examples')
const [name] = process.argv.slice(2)
const folder = join(examples, name ?? '')
if (name === undefined || !readdirSync(examples).includes(name)) {
  console.error(`Which example? npm run example ${readdirSync(examples).join(' | ')}`)
  process.exit(2)
}

ensureInstalled()
ensureBuilt()
if (existsSync(join(folder, 'package.json'))) {
  if (!existsSync(join(folder, 'node_modules'))) {
    console.log('Installing its packages …')
    runIn(folder, 'npm', 'install', '--no-audit', '--no-fund', '--loglevel=error')
  }
  runIn(folder, 'npm', 'start')
} else {
  // The config and the state file are those that `npx maintenance-mode` finds in the clone.
  const runtime = { bun: 'bun', deno: 'deno' }[name]
  if (runtime) run(runtime, ...(runtime === 'deno' ? ['run', '--allow-all'] : []), join(folder, 'server.js'))
  else {
    process.chdir(root)
    await import(join(folder, 'server.js'))
  }
}
