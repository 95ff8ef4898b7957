/** Whether Bun runs this process, and not Node. Only common/kernel and common/process depend on the engine. */
export const isBun = process.versions['bun'] !== undefined;
