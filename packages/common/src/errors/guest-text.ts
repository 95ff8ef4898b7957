/** What a guest says, made harmless for logs, terminals and those who read them. Pure. */

/** Control characters, C1's too, and characters that show text in another order or not at all (Unicode, "Bidi_Control" and the like). */
const HARMFUL = /[\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]/g;

export const sanitizeLine = (text: string): string => text.replaceAll(HARMFUL, '?');

/** With its line feeds and tabs. */
export const sanitizeLines = (text: string): string =>
  text.replaceAll(HARMFUL, (character) => (character === '\n' || character === '\t' ? character : '?'));

/** JSON text, which says the same by escapes. */
export const sanitizeJson = (json: string): string =>
  json.replaceAll(HARMFUL, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`);
