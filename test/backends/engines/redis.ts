import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { accepts, type Engine, startEngine } from './engine.js'

export function startRedis(...more: string[]): Promise<Engine> {
  return startEngine({
    command: 'redis-server',
    args: (port, folder) => {
      const durable = ['--appendonly', 'yes', '--appendfsync', 'always', '--save', '']
      return ['--port', String(port), '--bind', '127.0.0.1', '--dir', folder, ...durable, ...more]
    },
    // It accepts connections while it still loads what it has stored, and refuses what they ask.
    ready: async (port) => (await accepts(port)) && !(await redisCommand(port, 'ping')).startsWith('LOADING'),
  })
}

/** Past every client. What the server says, also where it refuses. */
export async function redisCommand(port: number, ...words: string[]): Promise<string> {
  const { stdout } = await promisify(execFile)('redis-cli', ['-p', String(port), ...words])
  return stdout.trim()
}
