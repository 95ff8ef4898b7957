/** Go's name of an architecture, for logs and kata-env, from Node's. */
export const goArchitecture = (node: string): string => (node === 'x64' ? 'amd64' : node);
