import { once } from 'node:events'
import { createServer } from 'node:net'
import { describe, it, onTestFinished } from 'vitest'
import type { StateBackend } from '../../src/backends/backend.js'
import { type RedisBackendOptions, redisBackend } from '../../src/backends/redis.js'
import { redisNames } from '../../src/backends/redis-scripts.js'
import { type BackendUnderTest, backendSuite } from '../../src/testing/index.js'
import { redisCommand } from './engines/redis.js'

export const redisPackages = ['redis', 'ioredis', 'iovalkey'] as const

/** A client, or how one is made, for one backend. */
export interface RedisHandle {
  options: RedisBackendOptions
  end?(): unknown
}

export interface RedisUnderTest {
  /** Every way to give a client, each time a new one. */
  handles: Record<string, () => Promise<RedisHandle>>
  /** The port of the server that has this key. */
  portOf(state: string): Promise<number>
  password?: string
  outage?(): BackendUnderTest['outage']
}

let states = 0
export const newKey = (): string => `state-${++states}`

/** The contract, for every way to give a client. */
export function redisSuites({ handles, portOf, password, outage }: RedisUnderTest): void {
  for (const [name, handle] of Object.entries(handles)) {
    backendSuite({ describe, it }, { name: `redis with ${name}`, create: () => create(handle) })
  }

  async function create(handle: () => Promise<RedisHandle>): Promise<BackendUnderTest> {
    const key = newKey()
    const { state } = redisNames(key)
    const ends: (() => unknown)[] = []
    const open = async (): Promise<StateBackend> => {
      const { options, end } = await handle()
      const backend = redisBackend({ ...options, key })
      ends.push(async () => {
        await backend.close?.()
        await end?.()
      })
      return backend
    }
    const port = await portOf(state)
    const login = password === undefined ? [] : ['--no-auth-warning', '-a', password]
    const troubles = outage?.()
    return {
      backend: await open(),
      other: open,
      corrupt: async (text) => void (await redisCommand(port, ...login, 'SET', state, text)),
      remove: async () => void (await redisCommand(port, ...login, 'DEL', state)),
      ...(troubles && { outage: troubles }),
      async cleanup() {
        for (const end of ends) await end()
      },
    }
  }
}

/** The port of a server that takes every connection, and never says a word. Until the end of the test. */
export async function startSilentServer(): Promise<number> {
  const server = createServer((socket) => {
    socket.on('error', () => {})
    onTestEnd.push(() => socket.destroy())
  })
  const onTestEnd: (() => void)[] = [() => server.close()]
  onTestFinished(() => {
    for (const end of onTestEnd) end()
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return (server.address() as { port: number }).port
}
