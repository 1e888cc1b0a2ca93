export { SimClock, settle } from '@berth/backend/sim/sim-clock';
