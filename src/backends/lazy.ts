import type { Presence, StateBackend } from './backend.js'

/** A backend whose code is loaded when it is first used: an app holds only what its settings name. */
export function lazyBackend(
  facts: Pick<StateBackend, 'address' | 'key' | 'capabilities' | 'absentMeansOff'>,
  load: () => Promise<StateBackend>,
): StateBackend {
  let loading: Promise<StateBackend> | undefined
  const loaded = (): Promise<StateBackend> => {
    loading ??= load().catch((error) => {
      // Tried again the next time: a file may have been out of reach.
      loading = undefined
      throw error
    })
    return loading
  }
  const presence = async (): Promise<Presence> => (await loaded()).presence as Presence
  const lazyPresence: Presence = {
    announce: async (record, ttl) => (await presence()).announce(record, ttl),
    list: async () => (await presence()).list(),
    leave: async (id) => (await presence()).leave(id),
  }
  const watch: NonNullable<StateBackend['watch']> = async (onChange, onLost) => {
    const backend = await loaded()
    return (backend.watch as typeof watch)(onChange, onLost)
  }
  return {
    ...facts,
    read: async () => (await loaded()).read(),
    write: async (document, condition) => (await loaded()).write(document, condition),
    ...(facts.capabilities.watch && { watch }),
    ...(facts.capabilities.presence && { presence: lazyPresence }),
    async close() {
      const backend = await loading?.catch(() => undefined)
      await backend?.close?.()
    },
  }
}
