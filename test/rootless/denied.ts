/**
 * Tests of the integration suite that cannot hold without root on a plain kernel, with the reason: by file, and the whole name of the
 * test. They are run all the same and must fail, so that an entry that is no longer true is noticed.
 */
export const denied: Readonly<Record<string, Readonly<Record<string, string>>>> = {}
