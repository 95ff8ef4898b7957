declare const KATA_VERSION: string | undefined;
declare const KATA_COMMIT: string | undefined;

/** Version of this build, set by the bundler. */
export const version: string = typeof KATA_VERSION === 'string' ? KATA_VERSION : '0.0.0-development';

/** Commit of this build. */
export const commit: string = typeof KATA_COMMIT === 'string' ? KATA_COMMIT : 'unknown';
