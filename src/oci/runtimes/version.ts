/** Whether a version such as `1.8.1` or `1.1.5+ds1` is at least the one given by its first numbers. */
export function isAtLeast(version: string, least: readonly number[]): boolean {
  const numbers = version.split(/[.+~-]/).map(Number)
  for (const [index, wanted] of least.entries()) {
    const number = numbers[index]
    if (number === undefined || Number.isNaN(number)) return false
    if (number !== wanted) return number > wanted
  }
  return true
}
