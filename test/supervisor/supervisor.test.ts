import { describe, expect, test } from 'vitest';
import { ask, openStage } from './stage.ts';

describe('supervisor', () => {
  test('answers its public paths to anybody', async () => {
    await using stage = await openStage();
    expect(await ask(stage, '/ping')).toMatchObject({ status: 200, body: 'pong' });
    const cacerts = await ask(stage, '/cacerts');
    expect(cacerts.headers['content-type']).toBe('text/plain');
    expect(cacerts.body).toBe(stage.certificates.serverCa.ca);
    expect(stage.api.seen).toEqual([]);
  });

  test('vouches to kube-apiserver for the identity in a client certificate', async () => {
    await using stage = await openStage();
    const answer = await ask(stage, '/api/v1/pods?limit=1', { as: stage.certificates.admin });
    expect(answer).toMatchObject({ status: 200, body: 'from the API' });
    expect(stage.api.seen).toMatchObject([
      {
        method: 'GET',
        url: '/api/v1/pods?limit=1',
        vouchedBy: 'system:auth-proxy',
        headers: {
          'x-remote-user': ['system:admin'],
          'x-remote-group': ['system:masters'],
          'x-forwarded-for': ['127.0.0.1'],
        },
      },
    ]);
  });
});
