// How a changeset becomes a line of CHANGELOG.md. Ours, because changesets is fetched for a release and not installed.
module.exports = {
  getReleaseLine: async ({ summary }) => `- ${summary.trim().replaceAll('\n', '\n  ')}`,
  // All packages have one version: that the others are updated too goes without saying.
  getDependencyReleaseLine: async () => '',
}
