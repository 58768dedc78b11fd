export function bundle(entries: Readonly<Record<string, string>>, folder: string, seen: string): Promise<unknown>
