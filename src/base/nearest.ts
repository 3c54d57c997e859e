/** The names that somebody may have meant who wrote another: the nearest ones, at most three. */
export function nearest(word: string, names: readonly string[]): string[] {
  const patience = Math.max(1, Math.floor(word.length / 3))
  const lower = word.toLowerCase()
  return names
    .map((name) => ({ name, far: name.toLowerCase().startsWith(lower) && word.length > 2 ? 0 : distance(lower, name.toLowerCase()) }))
    .filter(({ far }) => far <= patience)
    .sort((a, b) => a.far - b.far)
    .slice(0, 3)
    .map(({ name }) => name)
}

/** How many letters have to be put in, taken out or replaced to make one word of the other. */
function distance(a: string, b: string): number {
  let above = Array.from({ length: b.length + 1 }, (_, at) => at)
  for (const [row, letter] of [...a].entries()) {
    const line = [row + 1]
    for (const [column, other] of [...b].entries()) {
      const replaced = (above[column] ?? 0) + (letter === other ? 0 : 1)
      line.push(Math.min(replaced, (above[column + 1] ?? 0) + 1, (line[column] ?? 0) + 1))
    }
    above = line
  }
  return above.at(-1) ?? 0
}
