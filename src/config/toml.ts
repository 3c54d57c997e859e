import { LibpodError } from '../base/errors.ts'

/** Reads a TOML file. Throws `invalid-argument` with file and line. */
export async function parseToml(file: string, text: string): Promise<Readonly<Record<string, unknown>>> {
  const { parse } = await import('smol-toml')
  try {
    return parse(text)
  } catch (cause) {
    const { line, message } = cause as { readonly line?: number; readonly message?: string }
    const place = line === undefined ? file : `${file}:${line}`
    const [what] = (message ?? String(cause)).replace(/^Invalid TOML document: /, '').split('\n')
    throw new LibpodError(
      'invalid-argument',
      `${place}: ${what ?? 'not valid'}.`,
      { path: place },
      { cause, hint: 'Correct the file; it is written in TOML.' },
    )
  }
}
