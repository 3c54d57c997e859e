/** What a registry wants before it answers: one entry of a `WWW-Authenticate` header. */
export interface Challenge {
  /** In lower case: `basic`, `bearer`. */
  readonly scheme: string
  readonly parameters: Readonly<Record<string, string>>
}

const token = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+/
const parameter = /^([!#$%&'*+.^_`|~0-9A-Za-z-]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([!#$%&'*+.^_`|~0-9A-Za-z:/?@-]+))/

/** Reads the headers' values; several challenges may stand in one. What is malformed ends the reading. */
export function parseChallenges(headers: readonly string[]): readonly Challenge[] {
  return headers.flatMap(parseHeader)
}

function parseHeader(text: string): readonly Challenge[] {
  const challenges: { scheme: string; parameters: Record<string, string> }[] = []
  let rest = text.trim()
  while (rest !== '') {
    const found = parameter.exec(rest)
    const current = challenges.at(-1)
    if (found && current) {
      const [whole, name = '', quoted, plain = ''] = found
      current.parameters[name.toLowerCase()] = quoted === undefined ? plain : quoted.replace(/\\(.)/g, '$1')
      rest = rest.slice(whole.length)
    } else {
      const [scheme] = token.exec(rest) ?? []
      if (scheme === undefined) break
      challenges.push({ scheme: scheme.toLowerCase(), parameters: {} })
      rest = rest.slice(scheme.length)
    }
    rest = rest.replace(/^[\s,]+/, '')
  }
  return challenges
}
