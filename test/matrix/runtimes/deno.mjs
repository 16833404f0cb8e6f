import { createSite } from './site.mjs'

const addresses = new WeakMap()
const handle = createSite(JSON.parse(Deno.env.get('SITE_SETTINGS')), {
  getClientIpAddress: ({ native }) => addresses.get(native),
  upgrade: (request) => Deno.upgradeWebSocket(request).response,
})
Deno.serve({ port: Number(Deno.env.get('PORT')), hostname: '127.0.0.1' }, (request, info) => {
  addresses.set(request, info.remoteAddr.hostname)
  return handle(request)
})
