import assert from 'node:assert/strict';
import { test } from 'node:test';
import { trace } from '@opentelemetry/api';
import { startTracing, wantsTraces } from '../../infra/telemetry/tracing/start.ts';
import { startOtlpReceiver } from '../support/otlp-receiver.ts';

test('traces are off unless an endpoint is named, and can be switched off by the standard variables', () => {
  const OTEL_EXPORTER_OTLP_ENDPOINT = 'http://127.0.0.1:4318';
  assert.equal(wantsTraces({}), false);
  assert.equal(wantsTraces({ OTEL_EXPORTER_OTLP_ENDPOINT }), true);
  assert.equal(wantsTraces({ OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: 'http://127.0.0.1:4318/v1/traces' }), true);
  assert.equal(wantsTraces({ OTEL_EXPORTER_OTLP_ENDPOINT, OTEL_TRACES_EXPORTER: 'none' }), false);
  assert.equal(wantsTraces({ OTEL_EXPORTER_OTLP_ENDPOINT, OTEL_SDK_DISABLED: 'true' }), false);
});

test('a protocol that is not served is refused by name', async () => {
  const env = { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:4317', OTEL_EXPORTER_OTLP_PROTOCOL: 'grpc' };
  await assert.rejects(startTracing(env), { code: 'RunInputInvalid', field: 'OTEL_EXPORTER_OTLP_PROTOCOL' });
});

test('without a word on the protocol spans go in protobuf, and closing sends what is left', async () => {
  const collector = await startOtlpReceiver();
  process.env['OTEL_EXPORTER_OTLP_ENDPOINT'] = collector.endpoint;
  const tracing = await startTracing(process.env);
  trace.getTracer('test').startSpan('the-last-span').end();
  await tracing?.close();
  delete process.env['OTEL_EXPORTER_OTLP_ENDPOINT'];
  assert.equal(collector.spans.length, 0);
  assert.ok(collector.binary.some((body) => body.includes('the-last-span')));
  await collector.close();
});
