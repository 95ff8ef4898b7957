/** The JavaScript engine that runs this process: Bun, or else Node. Nothing outside of common/kernel and common/process asks. */
export const isBun = process.versions['bun'] !== undefined;
