import { detectHost } from './detect/host.ts';
import { localBackend } from './local-backend.ts';

export default localBackend(detectHost);
