// `npm run test:matrix`: other runtimes, and builds that take long. Further arguments go to vitest.
import { ensureInstalled, run } from './setup.mjs'
import { runVitest } from './vitest.mjs'

ensureInstalled()
run('npm', 'run', '--silent', 'build')
await runVitest('--config', 'vitest.matrix.config.ts', ...process.argv.slice(2))
