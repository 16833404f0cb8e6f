import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Redis } from 'ioredis'
import type { Engine } from './engine.js'
import { startRedis } from './redis.js'

/** The REST API of Upstash, as far as it is documented, in front of a real Redis. */
export interface Upstash extends Engine {
  readonly token: string
  readonly readOnlyToken: string
  /** Past the API. */
  readonly redis: Redis
  readonly asked: { path: string; headers: IncomingMessage['headers']; command: unknown[] }[]
  /** Answers instead; `undefined` leaves it to Redis. */
  answer: { status: number; body: string } | undefined
}

type Reply = { result: unknown } | { error: string }

const reading = new Set(['GET', 'HGETALL', 'TIME'])

export async function startUpstash(): Promise<Upstash> {
  const engine = await startRedis()
  const redis = new Redis(engine.port, '127.0.0.1')
  let frozen: Promise<void> | undefined
  let thaw = (): void => {}

  async function run(command: unknown, token: string | undefined): Promise<Reply> {
    if (!Array.isArray(command)) return { error: 'ERR failed to parse command' }
    const [name, ...values] = command.map(String) as [string, ...string[]]
    if (token === upstash.readOnlyToken && !reading.has(name.toUpperCase())) {
      return {
        error: `NOPERM this user has no permissions to run the '${name.toLowerCase()}' command or its subcommand`,
      }
    }
    return redis.call(name, ...values).then(
      (result) => ({ result }),
      (error: Error) => ({ error: error.message }),
    )
  }

  async function handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk)
    const command = JSON.parse(Buffer.concat(chunks).toString())
    upstash.asked.push({ path: request.url ?? '', headers: request.headers, command })
    await frozen
    const answer = (status: number, body: unknown): void =>
      void response.writeHead(status, { 'Content-Type': 'application/json' }).end(JSON.stringify(body))
    if (upstash.answer) return void response.writeHead(upstash.answer.status).end(upstash.answer.body)
    const token = request.headers.authorization?.replace(/^Bearer /, '')
    if (token !== upstash.token && token !== upstash.readOnlyToken) {
      return answer(401, { error: 'WRONGPASS invalid or missing auth token' })
    }
    if (request.url === '/pipeline') {
      const replies: Reply[] = []
      for (const one of command) replies.push(await run(one, token))
      return answer(200, replies)
    }
    if (request.url !== '/') return answer(404, { error: 'Not found' })
    const reply = await run(command, token)
    answer('error' in reply ? 400 : 200, reply)
  }

  const http = createServer((request, response) => {
    handle(request, response).catch(() => response.destroy())
  })
  const listen = async (port: number): Promise<void> => {
    http.listen(port, '127.0.0.1')
    await once(http, 'listening')
  }
  const kill = async (): Promise<void> => {
    const closed = once(http, 'close')
    http.close()
    http.closeAllConnections()
    await closed
  }
  await listen(0)
  const { port } = http.address() as AddressInfo

  const upstash: Upstash = {
    port,
    token: 'token-of-the-shop',
    readOnlyToken: 'token-that-reads',
    redis,
    asked: [],
    answer: undefined,
    freeze() {
      frozen = new Promise((resolve) => {
        thaw = resolve
      })
    },
    thaw() {
      frozen = undefined
      thaw()
    },
    kill,
    start: () => listen(port),
    async stop() {
      if (http.listening) await kill()
      redis.disconnect()
      await engine.stop()
    },
  }
  return upstash
}
