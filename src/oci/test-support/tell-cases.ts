/** For a program of cases: runs them one after the other and tells of each, a JSON line. */
export async function tellCases(cases: readonly { readonly name: string; run(): Promise<void> }[]): Promise<void> {
  const only = process.argv[3]
  for (const { name, run } of cases) {
    if (only !== undefined && !name.includes(only)) continue
    let error: string | undefined
    try {
      await run()
    } catch (thrown) {
      error = thrown instanceof Error ? (thrown.stack ?? thrown.message) : String(thrown)
    }
    process.stdout.write(`${JSON.stringify({ name, ...(error === undefined ? {} : { error }) })}\n`)
  }
}
