import { type Engine, startEngine } from './engine.js'

export function startRedis(...more: string[]): Promise<Engine> {
  return startEngine({
    command: 'redis-server',
    args: (port, folder) => {
      const durable = ['--appendonly', 'yes', '--appendfsync', 'always', '--save', '']
      return ['--port', String(port), '--bind', '127.0.0.1', '--dir', folder, ...durable, ...more]
    },
  })
}
