// The least that a client of each engine can do to keep many processes at the same text: what ours is compared with.
const name = 'bench-bare'

export const bareClients = {
  async redis(url) {
    const { createClient } = await import('redis')
    const client = createClient({ url })
    await client.connect()
    return {
      write: (text) => client.multi().set(name, text).publish(name, text).exec(),
      watch: (onText) => client.subscribe(name, onText),
      close: () => client.destroy(),
    }
  },

  async nats(url) {
    const [{ connect }, { Kvm }] = await Promise.all([import('@nats-io/transport-node'), import('@nats-io/kv')])
    const connection = await connect({ servers: url.slice('nats://'.length) })
    const bucket = await new Kvm(connection).create(name)
    return {
      write: (text) => bucket.put(name, text),
      async watch(onText) {
        const updates = await bucket.watch({ key: name })
        void (async () => {
          for await (const entry of updates) onText(entry.string())
        })()
      },
      close: () => connection.close(),
    }
  },

  async postgres(url) {
    const { default: pg } = await import('pg')
    const client = new pg.Client(url)
    await client.connect()
    await client.query('create table if not exists bench_bare (name text primary key, text text)').catch(() => {})
    // A notification holds less than 8000 bytes: what is longer has to be read.
    const read = async () => (await client.query('select text from bench_bare where name = $1', [name])).rows[0].text
    return {
      write: (text) =>
        client.query(
          `with stored as (
             insert into bench_bare values ($1, $2) on conflict (name) do update set text = excluded.text
           ) select pg_notify($1, $3)`,
          [name, text, text.length < 7000 ? text : ''],
        ),
      watch(onText) {
        client.on('notification', async ({ payload }) => onText(payload || (await read())))
        return client.query(`listen "${name}"`)
      },
      close: () => client.end(),
    }
  },
}
