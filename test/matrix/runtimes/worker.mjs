import { createSite } from './site.mjs'

let handle

function upgrade() {
  const [client, server] = Object.values(new WebSocketPair())
  server.accept()
  return new Response(null, { status: 101, webSocket: client })
}

export default {
  fetch(request, env, context) {
    // Nothing of a worker's surroundings can be had before its first request.
    handle ??= createSite(JSON.parse(env.SITE_SETTINGS), { upgrade })
    return handle(request, env, context)
  },
}
