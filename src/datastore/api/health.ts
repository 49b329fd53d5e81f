import { HealthCheckResponse, ServingStatus } from '../wire/messages/health.ts';
import { unary, type ServiceMethods } from './service.ts';

/** grpc.health.v1.Health: whoever can answer is serving. */
export function healthService(): ServiceMethods {
  const serving = HealthCheckResponse.encodeFrame({ status: ServingStatus.SERVING });
  return [
    ['/grpc.health.v1.Health/Check', unary(() => serving)],
    [
      '/grpc.health.v1.Health/Watch',
      {
        kind: 'stream',
        open: (peer) => ({
          received: () => void peer.send(serving),
          finished: () => {},
          drained: () => {},
          closed: () => {},
        }),
      },
    ],
  ];
}
