// `npm test`: sets a fresh clone up, checks it, and runs the tests. Further arguments go to vitest.
import { existsSync } from 'node:fs'
import { ensureEngines } from './engines.mjs'
import { ensureChromium, ensureDebian, ensureInstalled, run } from './setup.mjs'
import { runVitest } from './vitest.mjs'

const quick = process.argv.includes('--quick')
const rest = process.argv.slice(2).filter((argument) => argument !== '--quick')

/** What `npm run test:quick` leaves out: browsers, packing, and everything that needs a server of its own. */
const slow = [
  'test/{browser,package}/**',
  'test/**/*-crash.test.ts',
  'test/**/{redis,postgres,mysql,nats,upstash}*.test.ts',
]

ensureInstalled()
run('npm', 'run', '--silent', 'build')
let leftOut = slow
if (!quick) {
  process.env.CHROMIUM_PATH = ensureChromium()
  if (!existsSync('/usr/sbin/nginx')) ensureDebian('nginx-light')
  leftOut = ensureEngines()
  run('npm', 'run', '--silent', 'check')
  run('node', 'scripts/generate-settings.mjs', '--check')
}
await runVitest(...leftOut.flatMap((pattern) => ['--exclude', pattern]), ...rest)
