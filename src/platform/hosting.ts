/** A place to run whose instances differ from processes of a server. */
export interface Hosting {
  readonly name: string
  /** Timers run between requests. Where they do not, the state is read by request. */
  readonly timers: boolean
}

const known: readonly { variable: string; hosting: Hosting }[] = [
  { variable: 'VERCEL', hosting: { name: 'Vercel', timers: false } },
  { variable: 'NETLIFY', hosting: { name: 'Netlify', timers: false } },
  { variable: 'AWS_LAMBDA_FUNCTION_NAME', hosting: { name: 'AWS Lambda', timers: false } },
  { variable: 'FUNCTIONS_WORKER_RUNTIME', hosting: { name: 'Azure Functions', timers: false } },
  { variable: 'K_SERVICE', hosting: { name: 'Cloud Run', timers: false } },
  { variable: 'DYNO', hosting: { name: 'Heroku', timers: true } },
]

/** The host whose instances share no disk, where the environment tells; `undefined` for a server. */
export function detectHosting(environment: Readonly<Record<string, string | undefined>>): Hosting | undefined {
  return known.find(({ variable }) => environment[variable])?.hosting
}
