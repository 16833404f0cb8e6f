/** Tells templates whether there is maintenance, and that this request was let through in spite of it. */
export function tellTemplates(locals: Record<string, unknown>, closed: boolean): void {
  // Another maintenance object of the app may have told them already.
  if (!closed && locals.maintenance_mode !== undefined) return
  locals.maintenance_mode = closed
  locals.maintenance_mode_bypassed = closed
}
