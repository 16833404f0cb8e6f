import { execFile } from 'node:child_process'
import { once } from 'node:events'
import { createServer, type IncomingMessage } from 'node:http'
import { promisify } from 'node:util'
import { type MaintenanceOptions, SettingError } from 'maintenance-mode'
import { attachMaintenanceMode as attachToNode } from 'maintenance-mode/node'
import { attachMaintenanceMode, type OpenSocketsOptions } from 'maintenance-mode/socket-io'
import { Server, type ServerOptions } from 'socket.io'
import { type ManagerOptions, type Socket, io as visit } from 'socket.io-client'
import { describe, expect, it } from 'vitest'
import { WebSocket } from 'ws'
import { atEnd, listen, maintain } from './opened.js'

function echo(io: Server): Server {
  atEnd(() => {
    io.engine?.close()
  })
  io.on('connection', (socket) => socket.on('say', (text, answer) => answer(`echo ${text}`)))
  return io
}

async function serve(
  options: MaintenanceOptions = {},
  { closeCode, ...ioOptions }: Partial<ServerOptions> & OpenSocketsOptions = {},
) {
  const maintenance = maintain(options)
  const server = createServer((_req, res) => res.end('hello'))
  const io = echo(new Server(server, ioOptions))
  const detach = attachMaintenanceMode(io, maintenance, { closeCode })
  return { maintenance, server, io, detach, site: await listen(server) }
}

type ClientOptions = Partial<ManagerOptions>

function client(site: string, options: ClientOptions = {}): Socket {
  const socket = visit(site, { forceNew: true, reconnectionDelay: 20, reconnectionDelayMax: 20, ...options })
  atEnd(() => socket.disconnect())
  return socket
}

const happens = (socket: Socket, event: string): Promise<unknown> =>
  new Promise((resolve) => socket.once(event, (first) => resolve(first)))

async function connected(site: string, options?: ClientOptions): Promise<Socket> {
  const socket = client(site, options)
  await happens(socket, 'connect')
  return socket
}

const says = (socket: Socket, text: string): Promise<string> => socket.timeout(5000).emitWithAck('say', text)

const polling = '/socket.io/?EIO=4&transport=polling'

/** A session of bare Engine.IO, kept by polling. */
async function pollingSession(site: string): Promise<string> {
  const answer = await fetch(site + polling)
  const { sid } = JSON.parse((await answer.text()).slice(1))
  return `${site}${polling}&sid=${sid}`
}

/** A WebSocket of bare Engine.IO. */
async function webSocket(site: string, headers: Record<string, string> = {}): Promise<WebSocket> {
  const socket = new WebSocket(`${site.replace('http', 'ws')}/socket.io/?EIO=4&transport=websocket`, { headers })
  atEnd(() => socket.terminate())
  await once(socket, 'message')
  return socket
}

async function refusedUpgrade(site: string) {
  const socket = new WebSocket(`${site.replace('http', 'ws')}/socket.io/?EIO=4&transport=websocket`)
  const [, response] = (await once(socket, 'unexpected-response')) as [unknown, IncomingMessage]
  const body = (await response.setEncoding('utf8').toArray()).join('')
  return { status: response.statusCode, headers: response.headers, body }
}

async function closing(socket: WebSocket): Promise<[number, string]> {
  const [code, reason] = await once(socket, 'close')
  return [code, String(reason)]
}

describe('attachMaintenanceMode for a Server of Socket.IO', () => {
  const ways = { 'by WebSocket': ['websocket'], 'by polling': ['polling'], 'by both': ['polling', 'websocket'] }
  for (const [way, transports] of Object.entries(ways)) {
    it(`closes clients when maintenance begins, and they come back by themselves, ${way}`, async () => {
      const { maintenance, io, site } = await serve()
      const visitor = await connected(site, { transports })
      await expect.poll(() => visitor.io.engine.transport.name).toBe(transports.at(-1))
      expect(await says(visitor, 'tea')).toBe('echo tea')
      const gone = happens(visitor, 'disconnect')
      const refused = new Promise((resolve) => visitor.io.once('reconnect_error', resolve))
      await maintenance.setMode('on')
      // One that is between two polls learns of it by the 503 of its next one.
      expect(['transport close', 'transport error']).toContain(await gone)
      await refused
      expect(io.engine.clientsCount).toBe(0)
      const back = happens(visitor, 'connect')
      await maintenance.setMode('off')
      await back
      expect(await says(visitor, 'again')).toBe('echo again')
    })
  }

  it('refuses by polling with a real 503, also what an open session asks', async () => {
    const { maintenance, io, site } = await serve()
    const session = await pollingSession(site)
    await maintenance.setMode('on', { reason: 'Moving house' })
    const asked = [site + polling, session].map((url) => fetch(url))
    asked.push(fetch(session, { method: 'POST', body: '40' }))
    for (const answer of await Promise.all(asked)) {
      expect([answer.status, answer.headers.get('retry-after')]).toEqual([503, '3600'])
      expect(answer.headers.get('maintenance-mode')).toBe('on')
      expect(await answer.text()).toContain('Moving house')
    }
    expect(io.engine.clientsCount).toBe(0)
    await maintenance.setMode('off')
    expect((await fetch(site + polling)).status).toBe(200)
  })

  it('ends a poll that waits with the news that the session is closed', async () => {
    const { maintenance, server, site } = await serve()
    const session = await pollingSession(site)
    await fetch(session, { method: 'POST', body: '40' })
    await fetch(session)
    const waiting = fetch(session)
    await once(server, 'request')
    await maintenance.setMode('on')
    expect(await (await waiting).text()).toBe('1')
  })

  it('refuses by WebSocket with a real 503, once, whether node:http is attached to or not', async () => {
    const { maintenance, server, site } = await serve()
    await maintenance.setMode('on', { reason: 'Moving house' })
    const refused = await refusedUpgrade(site)
    expect([refused.status, refused.headers['retry-after']]).toEqual([503, '3600'])
    expect(refused.body).toContain('Moving house')
    attachToNode(server, maintenance)
    expect(await refusedUpgrade(site)).toEqual(refused)
  })

  for (const closeCode of [1012, 1013] as const) {
    it(`closes WebSockets with ${closeCode}`, async () => {
      const { maintenance, site } = await serve({}, { closeCode })
      const closed = closing(await webSocket(site))
      await maintenance.setMode('on')
      expect(await closed).toEqual([closeCode, 'maintenance'])
    })
  }

  it('leaves what is open alone where that is chosen, and refuses what comes', async () => {
    const { maintenance, site } = await serve({}, { closeCode: false })
    const early = await Promise.all([['websocket'], ['polling']].map((transports) => connected(site, { transports })))
    await maintenance.setMode('on')
    expect((await refusedUpgrade(site)).status).toBe(503)
    expect((await fetch(`${site}${polling}&sid=__proto__`)).status).toBe(503)
    for (const socket of early) expect(await says(socket, 'still')).toBe('echo still')
  })

  it('rejects any other code at the start', () => {
    expect(() => attachMaintenanceMode(new Server(), maintain(), { closeCode: 4000 as 1012 })).toThrow(SettingError)
  })

  it('keeps those that would be let through: by address, by user', async () => {
    const { maintenance, site } = await serve({
      ignoreIpAddresses: ['203.0.113.7'],
      trustProxy: 1,
      ignoreStaff: true,
      getAuthenticatedUser: async (request) => ({
        isAuthenticated: true,
        isStaff: request.header('cookie') === 'staff=1',
        isSuperuser: false,
      }),
    })
    const exempt: Record<string, string>[] = [{ 'X-Forwarded-For': '203.0.113.7' }, { Cookie: 'staff=1' }]
    const waysOf = (extraHeaders: Record<string, string>) =>
      [['websocket'], ['polling']].map((transports) => connected(site, { transports, extraHeaders }))
    const staying = await Promise.all(exempt.flatMap(waysOf))
    const going = (await Promise.all(waysOf({ Cookie: 'staff=0' }))).map((socket) => happens(socket, 'disconnect'))
    await maintenance.setMode('on')
    await Promise.all(going)
    for (const socket of staying) expect(await says(socket, 'here')).toBe('echo here')
    const late = await connected(site, { extraHeaders: { Cookie: 'staff=1' } })
    expect(await says(late, 'new')).toBe('echo new')
  })

  it('keeps all below a path that is ignored', async () => {
    const { maintenance, site } = await serve({ ignoreUrls: ['/socket.io/**'] })
    const early = await connected(site)
    await maintenance.setMode('on')
    expect(await says(early, 'still')).toBe('echo still')
    expect(await says(await connected(site), 'new')).toBe('echo new')
  })

  it("asks who is signed in by the engine's own middlewares", async () => {
    const { maintenance, io, site } = await serve({ ignoreStaff: true })
    io.engine.use((req: object, _res: unknown, next: () => void) => {
      const { headers } = req as IncomingMessage
      Object.assign(req, { user: { isStaff: headers.cookie === 'staff=1' } })
      next()
    })
    const staff = await webSocket(site, { Cookie: 'staff=1' })
    const closed = closing(await webSocket(site))
    await maintenance.setMode('on')
    await closed
    expect(staff.readyState).toBe(WebSocket.OPEN)
    expect((await refusedUpgrade(site)).status).toBe(503)
    await webSocket(site, { Cookie: 'staff=1' })
  })

  it('says across origins what the engine would', async () => {
    const { maintenance, site } = await serve({}, { cors: { origin: 'https://shop.example', credentials: true } })
    await maintenance.setMode('on')
    const headers = { Origin: 'https://shop.example' }
    const refused = await fetch(site + polling, { headers })
    expect([refused.status, refused.headers.get('access-control-allow-origin')]).toEqual([503, 'https://shop.example'])
    expect(refused.headers.get('access-control-allow-credentials')).toBe('true')
    expect(refused.headers.get('vary')).toBe('Origin, Accept, Sec-Fetch-Dest')
    const preflight = await fetch(site + polling, {
      method: 'OPTIONS',
      headers: { ...headers, 'Access-Control-Request-Method': 'POST' },
    })
    expect(preflight.status).toBe(204)
  })

  it('works where the server comes later, and another one after it', async () => {
    const maintenance = maintain()
    const io = echo(new Server())
    attachMaintenanceMode(io, maintenance)
    const sites: string[] = []
    for (let i = 0; i < 2; i++) {
      const server = createServer()
      io.attach(server)
      atEnd(() => server.emit('close'))
      sites.push(await listen(server))
    }
    const closed = (await Promise.all(sites.map((site) => webSocket(site)))).map(closing)
    await maintenance.setMode('on')
    expect(await Promise.all(closed)).toEqual(Array(2).fill([1012, 'maintenance']))
    for (const site of sites) expect((await refusedUpgrade(site)).status).toBe(503)
  })

  it('closes those that were there before it was attached, and those whose request nobody knows any more', async () => {
    const maintenance = maintain({ ignoreUrls: ['/socket.io/**'] })
    const server = createServer()
    const io = echo(new Server(server))
    const site = await listen(server)
    const known = await webSocket(site)
    io.engine.on('connection', (connection: { request: unknown }) => {
      connection.request = null
    })
    const closed = closing(await webSocket(site))
    await maintenance.setMode('on')
    attachMaintenanceMode(io, maintenance)
    expect(await closed).toEqual([1012, 'maintenance'])
    expect(known.readyState).toBe(WebSocket.OPEN)
  })

  it('closes one whose handshake had begun before maintenance did, and ended after all others were closed', async () => {
    let allow: (() => void) | undefined
    const { maintenance, server, site } = await serve(
      {},
      {
        allowRequest({ headers }, done) {
          if (headers.cookie === 'slow=1') allow = () => done(null, true)
          else done(null, true)
        },
      },
    )
    const early = closing(await webSocket(site))
    const late = webSocket(site, { Cookie: 'slow=1' }).then(closing)
    await once(server, 'upgrade')
    await maintenance.setMode('on')
    await early
    allow?.()
    expect(await late).toEqual([1012, 'maintenance'])
  })

  it('judges a handshake once', async () => {
    let asked = 0
    const { maintenance, site } = await serve({
      ignoreStaff: true,
      getAuthenticatedUser: () => {
        asked++
        return { isAuthenticated: true, isStaff: true, isSuperuser: false }
      },
    })
    await maintenance.setMode('on')
    await webSocket(site)
    await pollingSession(site)
    expect(asked).toBe(2)
  })

  it('refuses what it cannot guard', () => {
    const io = new Server()
    expect(() =>
      attachMaintenanceMode(
        io.on('connection', () => {}),
        maintain(),
      ),
    ).toThrow(/Server of Socket.IO/)
    attachMaintenanceMode(io, maintain())
    const engine = { on() {}, verify() {}, clients: {} }
    expect(() => io.bind(engine as unknown as Server['engine'])).toThrow(TypeError)
  })

  it('closes a thousand', async () => {
    const { maintenance, io, site } = await serve()
    const closings: Promise<unknown>[] = []
    for (let i = 0; i < 20; i++) {
      const batch = await Promise.all(Array.from({ length: 50 }, () => webSocket(site)))
      closings.push(...batch.map(closing))
    }
    expect(io.engine.clientsCount).toBe(1000)
    await maintenance.setMode('on')
    expect(new Set((await Promise.all(closings)).map(String))).toEqual(new Set(['1012,maintenance']))
    expect(io.engine.clientsCount).toBe(0)
  })

  it('is taken off again', async () => {
    const { maintenance, io, site, detach } = await serve()
    const early = await connected(site)
    detach()
    await maintenance.setMode('on')
    expect(await says(early, 'still')).toBe('echo still')
    expect(await says(await connected(site), 'new')).toBe('echo new')
    expect(io.bind).toBe(Server.prototype.bind)
  })

  it('lets the process end, also with a session between two polls', async () => {
    const script = `
      import { once } from 'node:events'
      import { createServer } from 'node:http'
      import { createMaintenance } from 'maintenance-mode'
      import { attachMaintenanceMode } from 'maintenance-mode/socket-io'
      import { Server } from 'socket.io'
      const maintenance = createMaintenance({ stateBackend: 'memory:', silence: ['memory-backend', 'no-login-url'] })
      const server = createServer()
      const io = new Server(server)
      attachMaintenanceMode(io, maintenance)
      await once(server.listen(0, '127.0.0.1'), 'listening')
      await fetch('http://127.0.0.1:' + server.address().port + '${polling}')
      const [[connection]] = [Object.values(io.engine.clients)]
      await maintenance.setMode('on')
      await once(connection, 'close')
      console.log(io.engine.clientsCount)
      server.closeAllConnections()
      server.close()`
    const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '--eval', script], {
      timeout: 10_000,
    })
    expect(stdout.trim()).toBe('0')
  })
})
