/** The socket of daemon and triggers in 1.x's packages. */
export const defaultSocket = '/var/run/kata-ksm-throttler/ksm.sock';
