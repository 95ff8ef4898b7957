/** Its options are those of `npm run tarball` (tarball/arguments.ts). */
export const usage = `Usage: npm run deploy-image -- [OPTIONS] [DIR]

Builds kata-deploy-VERSION.tar, an image archive for "docker load", "ctr images import" and "skopeo copy", and its
kata-deploy.yaml in DIR (.cache/deploy).

  --stage DIR     take this tree, which a build without this option makes in .cache/tarball-stage
  --help          print this text`;
