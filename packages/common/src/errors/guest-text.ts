/** Makes text of a guest harmless for logs and terminals. Pure. */

/** Control characters, including C1, and characters that reorder or hide text (Unicode, "Bidi_Control" and the like). */
const HARMFUL = /[\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]/g;

export const sanitizeLine = (text: string): string => text.replaceAll(HARMFUL, '?');

/** Keeps line feeds and tabs. */
export const sanitizeLines = (text: string): string =>
  text.replaceAll(HARMFUL, (character) => (character === '\n' || character === '\t' ? character : '?'));

/** Escapes these characters in JSON text, which keeps its value. */
export const sanitizeJson = (json: string): string =>
  json.replaceAll(HARMFUL, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`);
