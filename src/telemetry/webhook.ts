import { bounded, type Clock } from '../clock.js'

/** An address that is told by POST, signed as https://www.standardwebhooks.com has it. */
export interface Webhook {
  readonly url: string
  /** Signs what is sent: `whsec_` and base64, or any text of at least 16 characters. Default: it is not signed. */
  readonly secret?: string | undefined
  /** Sent as well, an `authorization` for one. */
  readonly headers?: Readonly<Record<string, string>> | undefined
}

/** Milliseconds. */
const patience = 10_000

/** @throws Error where it is not answered with 2xx within ten seconds */
export async function sendWebhook(
  { url, secret, headers }: Webhook,
  event: { readonly id: string; readonly type: string },
  clock: Clock,
): Promise<void> {
  const { id, type, ...data } = event
  const timestamp = String(Math.floor(clock.now() / 1000))
  const body = JSON.stringify({
    type: `maintenance.${type}`,
    timestamp: new Date(clock.now()).toISOString(),
    data: { id, ...data },
  })
  const signed = secret === undefined ? {} : { 'webhook-signature': await sign(secret, `${id}.${timestamp}.${body}`) }
  const abort = new AbortController()
  const late = (): Error => {
    abort.abort()
    return new Error(`no answer within ${patience / 1000} s`)
  }
  const answer = await bounded(
    clock,
    fetch(url, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        ...headers,
        'webhook-id': id,
        'webhook-timestamp': timestamp,
        ...signed,
      },
      body,
      redirect: 'error',
      signal: abort.signal,
    }),
    { milliseconds: patience, late },
  )
  await answer.body?.cancel()
  if (!answer.ok) throw new Error(`answered with ${answer.status}`)
}

async function sign(secret: string, text: string): Promise<string> {
  const encoder = new TextEncoder()
  const raw = secret.startsWith('whsec_') ? fromBase64(secret.slice('whsec_'.length)) : encoder.encode(secret)
  const key = await crypto.subtle.importKey('raw', raw, { name: 'HMAC', hash: 'SHA-256' }, false, ['sign'])
  const signature = await crypto.subtle.sign('HMAC', key, encoder.encode(text))
  return `v1,${btoa(String.fromCharCode(...new Uint8Array(signature)))}`
}

function fromBase64(text: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0))
}
