/** Milliseconds. */
const usualPatience = 5_000

/** Bytes. A wrong address, of a film for one, must not fill the memory. */
const longest = 4 * 1_048_576

/** An answer over HTTP, all of it. */
export interface WebAnswer {
  status: number
  headers: Headers
  text: string
  /** Where it came from in the end, if the server had sent us there. */
  redirectedTo: string | undefined
}

/** What is asked. Not every edge runtime takes more, `cache` for one. */
export interface WebRequest {
  url: string
  method?: string
  headers: Readonly<Record<string, string>>
  body?: string
  /** The answer is taken as it is, also one that sends us on. Not for edge runtimes. */
  redirect?: 'manual'
  /** Milliseconds. Default: 5 seconds. */
  patience?: number
}

/** Asks over HTTP, for a limited time, and takes at most 4 MB. Rejects with what `fetch` only gives as the cause. */
export async function askWeb(request: WebRequest, ask: typeof fetch = fetch): Promise<WebAnswer> {
  const { url, patience = usualPatience, ...init } = request
  try {
    assertHeaders(init.headers)
    const response = await ask(url, { ...init, signal: AbortSignal.timeout(patience) })
    const { status, headers, redirected } = response
    return { status, headers, text: await readText(response), redirectedTo: redirected ? response.url : undefined }
  } catch (error) {
    const { name, cause = error } = error as Error
    throw name === 'TimeoutError' ? new Error(`no answer within ${patience / 1000} s`, { cause }) : cause
  }
}

/** `fetch` would show the value of one that it does not take: a token that ends with a line break, for one. */
function assertHeaders(headers: WebRequest['headers']): void {
  for (const [name, value] of Object.entries(headers)) {
    if (/[^\t\x20-\x7e\x80-\xff]/.test(value)) {
      throw new Error(`the header ${name} has characters that none may have: is there a line break in it?`)
    }
  }
}

/** What to do about what `askWeb` rejected with. */
export function webHint(error: unknown): string | undefined {
  const code = String((error as { code?: unknown } | null)?.code)
  if (code === tooLong) return 'So it is no state: is the address right?'
  if (code === 'ERR_SSL_WRONG_VERSION_NUMBER') return 'It speaks no TLS there: is it http: instead of https:?'
  return /CERT|SELF_SIGNED|UNABLE_TO_VERIFY/.test(code)
    ? 'Its certificate is not trusted here: name the authority that signed it in NODE_EXTRA_CA_CERTS.'
    : undefined
}

const tooLong = 'ERR_TOO_LONG'

async function readText(response: Response): Promise<string> {
  const decoder = new TextDecoder()
  const reader = response.body?.getReader()
  let text = ''
  let length = 0
  for (let part = await reader?.read(); part && !part.done; part = await reader?.read()) {
    length += part.value.byteLength
    if (length > longest) {
      await reader?.cancel()
      throw Object.assign(new Error('it is longer than 4 MB'), { code: tooLong })
    }
    text += decoder.decode(part.value, { stream: true })
  }
  return text + decoder.decode()
}
