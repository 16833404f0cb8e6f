/** What is made at its first use, once for all who use it at the same time. */
export interface OnDemand<Value> {
  /** What failed is made anew by the next who uses it: a file, or an engine, may have been out of reach. */
  use(): Promise<Value>
  /** What has been made, or is being made; nothing where nobody has used it, or it failed. */
  made(): Promise<Value | undefined>
  /** The next who uses it has it made anew. */
  forget(): void
}

export function onDemand<Value>(make: () => Promise<Value>): OnDemand<Value> {
  let making: Promise<Value> | undefined
  const forget = (): void => {
    making = undefined
  }
  return {
    use() {
      making ??= make().catch((error) => {
        forget()
        throw error
      })
      return making
    },
    forget,
    made: async () => making?.catch(() => undefined),
  }
}
