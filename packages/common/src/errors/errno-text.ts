/**
 * The kernel's sentences in what programs say. dockerd takes them for ones about the command that the container was to run, and changes its exit
 * code to 127 or 126, or adds advice about mounts (moby, daemon/errors.go): the errors' names say the same to people. Pure.
 */
const sentences: Readonly<Record<string, string>> = {
  'no such file or directory': 'ENOENT',
  'permission denied': 'EACCES',
  'is a directory': 'EISDIR',
  'not a directory': 'ENOTDIR',
};

const pattern = new RegExp(Object.keys(sentences).join('|'), 'gi');

export const withoutErrnoText = (text: string): string => text.replaceAll(pattern, (sentence) => sentences[sentence.toLowerCase()] ?? '');
