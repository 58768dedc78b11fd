/** The source with everything that is computed at the top level of the module marked as pure; lines stay where they are. */
export function markInitializers(source: string): string
