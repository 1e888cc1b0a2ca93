import { type Transport, TransportError } from '@berth/client/transport';

/**
 * Before the first answer, a server that does not listen is brought to life by `revive`, which gives
 * the address that it then has. A refused request never reached anybody, so every kind may be repeated.
 * Once the server has answered it is left alone: whoever stops it meanwhile means it.
 */
export function revivingTransport(inner: Transport, revive: () => Promise<string | null>): Transport {
  let answered = false;
  return {
    async request(request) {
      try {
        const response = await inner.request(request);
        answered = true;
        return response;
      } catch (error) {
        if (answered || !(error instanceof TransportError) || error.failure !== 'refused') throw error;
        const url = await revive();
        if (url === null) throw error;
        const { pathname, search } = new URL(request.url);
        return inner.request({ ...request, url: url + pathname + search });
      }
    },
    close: () => inner.close(),
  };
}
