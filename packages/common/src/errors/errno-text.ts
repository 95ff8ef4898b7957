/**
 * Replaces the kernel's error phrases in the output of programs by errno names. dockerd takes the phrases for errors of the container's command,
 * and changes the exit code to 127 or 126, or adds advice about mounts (moby, daemon/errors.go). Pure.
 */
const sentences: Readonly<Record<string, string>> = {
  'no such file or directory': 'ENOENT',
  'permission denied': 'EACCES',
  'is a directory': 'EISDIR',
  'not a directory': 'ENOTDIR',
};

const pattern = new RegExp(Object.keys(sentences).join('|'), 'gi');

export const withoutErrnoText = (text: string): string => text.replaceAll(pattern, (sentence) => sentences[sentence.toLowerCase()] ?? '');
