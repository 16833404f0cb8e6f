import { execFile, spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { describe, it } from 'vitest'
import { closesAndReopens, printedAddress } from './switching.js'

const execute = promisify(execFile)
const root = fileURLToPath(new URL('../..', import.meta.url))

/** Those whose framework is installed with this clone. */
const examples = ['express', 'fastify', 'koa', 'hono', 'h3']

describe.each(examples)('the example %s', (name) => {
  it('closes and reopens by the command line', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'maintenance-mode-example-'))
    const env = { ...process.env, PORT: '0', MAINTENANCE_MODE_STATE_FILE_PATH: join(folder, 'state.json') }
    const cli = join(root, 'dist/cli/main.js')
    try {
      const server = spawn(process.execPath, [`examples/${name}/server.js`], {
        cwd: root,
        env,
        stdio: ['ignore', 'pipe', 'inherit'],
      })
      await closesAndReopens(await printedAddress(server), (...words) =>
        execute(process.execPath, [cli, ...words], { cwd: root, env }),
      )
    } finally {
      rmSync(folder, { recursive: true })
    }
  })
})
