import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, it } from 'vitest'
import { closesAndReopens } from './switching.js'

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
      await closesAndReopens(server, { cwd: root, env, cli: [process.execPath, cli] })
    } finally {
      rmSync(folder, { recursive: true })
    }
  })
})
