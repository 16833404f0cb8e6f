import { createSite } from './site.mjs'

const handle = createSite(JSON.parse(process.env.SITE_SETTINGS), {
  getClientIpAddress: ({ native }) => server.requestIP(native)?.address,
  upgrade: (request) => void server.upgrade(request),
})
const server = Bun.serve({
  port: process.env.PORT,
  hostname: '127.0.0.1',
  fetch: handle,
  websocket: { message() {} },
})
