/**
 * Features of overlay that would make a layer depend on more than its files are off, whatever this kernel's defaults are:
 * an upper directory can be copied, shared between layers and turned into a tarball.
 */
export function overlayOptions(userxattr: boolean): readonly string[] {
  // In a user namespace the last two are off by themselves, and naming them is refused.
  return userxattr ? ['index=off', 'userxattr'] : ['index=off', 'metacopy=off', 'redirect_dir=nofollow']
}
