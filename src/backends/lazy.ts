import type { Presence, StateBackend } from './backend.js'
import { onDemand } from './on-demand.js'

/** A backend whose code is loaded when it is first used: an app holds only what its settings name. */
export function lazyBackend(
  facts: Pick<StateBackend, 'address' | 'key' | 'capabilities' | 'absentMeansOff'>,
  load: () => Promise<StateBackend>,
): StateBackend {
  const { use: loaded, made } = onDemand(load)
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
      await (await made())?.close?.()
    },
  }
}
