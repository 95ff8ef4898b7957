/** Where 1.x's packages have daemon and triggers meet. */
export const defaultSocket = '/var/run/kata-ksm-throttler/ksm.sock';
