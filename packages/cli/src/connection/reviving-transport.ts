import { type Transport, TransportError } from '@berth/client/transport';

export interface Revival {
  /** Whether somebody stopped the server on purpose after it had answered us: then it is left alone. */
  readonly wasStopped: () => boolean;
  /** Brings the server to life and gives the address that it then has. */
  readonly revive: () => Promise<string>;
}

/**
 * A server that does not listen is brought to life, and the request sent again. A refused request
 * never reached anybody, so every kind may be repeated.
 */
export function revivingTransport(inner: Transport, { wasStopped, revive }: Revival): Transport {
  let answered = false;
  return {
    async request(request) {
      try {
        const response = await inner.request(request);
        answered = true;
        return response;
      } catch (error) {
        if (!(error instanceof TransportError) || error.failure !== 'refused') throw error;
        if (answered && wasStopped()) throw error;
        const url = await revive();
        const { pathname, search } = new URL(request.url);
        return inner.request({ ...request, url: url + pathname + search });
      }
    },
    close: () => inner.close(),
  };
}
