/** Whether a whole path matches a pattern with `*`, `?` and `[…]`, none of which matches a slash: Go's `filepath.Match`. */
export function matchGlob(pattern: string, path: string): boolean {
  let source = ''
  for (let index = 0; index < pattern.length; index++) {
    const char = pattern.charAt(index)
    if (char === '*') source += '[^/]*'
    else if (char === '?') source += '[^/]'
    else if (char === '[') {
      const end = pattern.indexOf(']', index + 2)
      // A pattern that is not one matches nothing, as there.
      if (end < 0) return false
      const negated = pattern.charAt(index + 1) === '^'
      const members = pattern.slice(index + (negated ? 2 : 1), end).replace(/[\\\]^]/g, '\\$&')
      source += `(?!/)[${negated ? '^' : ''}${members}]`
      index = end
    } else if (char === '\\') source += literally(pattern.charAt(++index))
    else source += literally(char)
  }
  try {
    return new RegExp(`^${source}$`, 's').test(path)
  } catch {
    return false
  }
}

function literally(char: string): string {
  return char.replace(/[.*+?^${}()|[\]\\/]/g, '\\$&')
}
