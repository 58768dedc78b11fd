export function testFiles(paths: readonly string[]): string[]
