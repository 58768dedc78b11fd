/** The constants of a header, by the enum that has them; those of macros by '#define'. */
export function headerConstants(
  text: string,
  known?: ReadonlyMap<string, number>,
): Map<string, Map<string, number | undefined>>
/** The value of a constant expression in C; undefined for what is not one of integers and known names. */
export function evaluate(expression: string, known: ReadonlyMap<string, number>): number | undefined
