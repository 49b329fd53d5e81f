import { defineMessage, int64, text } from '../codec/message.ts';

export const ServingStatus = { UNKNOWN: 0, SERVING: 1, NOT_SERVING: 2, SERVICE_UNKNOWN: 3 } as const;

/** grpc.health.v1.HealthCheckRequest */
export const HealthCheckRequest = defineMessage({ service: text(1) });

export const HealthCheckResponse = defineMessage({ status: int64(1) });
