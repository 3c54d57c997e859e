type Refuse = (why: string) => never

/** Splits an instruction's arguments at spaces, with quotes and backslashes as in a Containerfile. */
export function splitWords(text: string, refuse: Refuse): readonly string[] {
  const words: string[] = []
  let word: string | undefined
  let quote: string | undefined
  for (let at = 0; at < text.length; at++) {
    const char = text.charAt(at)
    const next = text.charAt(at + 1)
    if (quote === "'") {
      if (char === quote) quote = undefined
      else word = (word ?? '') + char
    } else if (char === '\\' && next !== '') {
      // Inside double quotes a backslash is kept unless it escapes something, as in the shell.
      word = (word ?? '') + (quote === '"' && !'"\\$'.includes(next) ? char + next : next === '\n' ? '' : next)
      at++
    } else if (char === quote) {
      quote = undefined
    } else if (quote === undefined && (char === '"' || char === "'")) {
      quote = char
      word ??= ''
    } else if (quote === undefined && /\s/.test(char)) {
      if (word !== undefined) words.push(word)
      word = undefined
    } else {
      word = (word ?? '') + char
    }
  }
  if (quote !== undefined) return refuse(`the ${quote} is not closed`)
  if (word !== undefined) words.push(word)
  return words
}

/** `key=value key2="two words"`, or the old form `key all the rest`. */
export function splitPairs(text: string, refuse: Refuse): readonly (readonly [string, string])[] {
  const first = /^(\S+)\s+(.*)$/s.exec(text)
  if (first?.[1] !== undefined && first[2] !== undefined && !first[1].includes('=') && !/^['"]/.test(text)) return [[first[1], first[2]]]
  return splitWords(text, refuse).map((word) => {
    const at = word.indexOf('=')
    return at < 1 ? refuse(`${JSON.stringify(word)} is not key=value`) : ([word.slice(0, at), word.slice(at + 1)] as const)
  })
}
