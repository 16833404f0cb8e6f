import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Engine, startEngine } from './engine.js'

/** @param configuration What else its file of configuration says. */
export function startNats(configuration = ''): Promise<Engine> {
  return startEngine({
    command: 'nats-server',
    args(port, folder) {
      const file = join(folder, 'nats.conf')
      const lines = [
        `listen: "127.0.0.1:${port}"`,
        `jetstream: { store_dir: ${JSON.stringify(folder)} }`,
        configuration,
      ]
      writeFileSync(file, lines.join('\n'))
      return ['--config', file]
    },
  })
}
