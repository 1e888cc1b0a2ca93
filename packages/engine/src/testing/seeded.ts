export { Seeded } from '@berth/backend/sim/seeded';
