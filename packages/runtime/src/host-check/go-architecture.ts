/** Go's name of an architecture, which logs and kata-env show, from Node's. */
export const goArchitecture = (node: string): string => (node === 'x64' ? 'amd64' : node);
