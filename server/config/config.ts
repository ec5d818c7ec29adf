import { readFileSync } from 'node:fs';
import { isIPv4, isIPv6 } from 'node:net';
import { parse, YAMLParseError } from 'yaml';
import type { z } from 'zod';
import { nearestKey } from './keys.ts';
import { type Config, type ConfigInput, configSchema } from './schema.ts';

export type { Config, ConfigInput } from './schema.ts';

/** A configuration that cannot be used; the message is written for the person who wrote it. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
}

/** The one commented configuration, which is the manual. */
export const DEFAULT_CONFIG_FILE = new URL('./default.yaml', import.meta.url);

/**
 * Reads a configuration: the file (YAML; every key may be left out) and over it what the command line said.
 * Throws `ConfigError` with one sentence for each mistake.
 */
export function loadConfig(file?: string, overrides: ConfigInput = {}): Config {
  const written = file === undefined ? {} : readYaml(file);
  if (!isRecord(written))
    throw new ConfigError(`${file} must be a list of keys and values, such as "server: { port: 8881 }".`);
  const result = configSchema.safeParse(layOver(written, overrides));
  if (result.success) return result.data;
  const sentences = result.error.issues.flatMap(sentencesOf);
  throw new ConfigError(`${file ?? 'The configuration'} cannot be used. ${sentences.join(' ')}`);
}

/** Whether an address is reached from this machine only. */
export function isLoopback(host: string): boolean {
  const bare = host.replace(/^\[|\]$/g, '').toLowerCase();
  if (bare === 'localhost' || bare.endsWith('.localhost') || bare === '::1') return true;
  return isIPv4(bare.replace(/^::ffff:/, '')) && bare.replace(/^::ffff:/, '').startsWith('127.');
}

/** The address that media binds to: the configured one, else the server's own where only this machine can reach it, else all. */
export function mediaBindAddress(config: Config): string | null {
  if (config.media.bindAddress !== null) return config.media.bindAddress;
  const { host } = config.server;
  if (!isLoopback(host)) return null;
  return isIPv4(host) || isIPv6(host) ? host : '127.0.0.1';
}

function readYaml(file: string): unknown {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    throw new ConfigError(
      code === 'ENOENT' ? `There is no configuration at ${file}.` : `${file} cannot be read: ${message}.`,
    );
  }
  try {
    return parse(text, { maxAliasCount: 16 }) ?? {};
  } catch (error) {
    const at = error instanceof YAMLParseError ? error.linePos?.[0] : undefined;
    const why = error instanceof Error ? error.message.split('\n')[0] : String(error);
    throw new ConfigError(`${file} is not YAML${at ? `, line ${at.line}` : ''}: ${why}`);
  }
}

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** Objects merge key by key; anything else is replaced; undefined leaves what is below. */
function layOver(below: unknown, above: unknown): unknown {
  if (above === undefined) return below;
  if (!isRecord(below) || !isRecord(above)) return above;
  const merged: Record<string, unknown> = { ...below };
  for (const [key, value] of Object.entries(above)) {
    if (value !== undefined) merged[key] = layOver(Object.hasOwn(merged, key) ? merged[key] : undefined, value);
  }
  return merged;
}

function sentencesOf(issue: z.core.$ZodIssue): string[] {
  const at = issue.path.map(String).join('.');
  if (issue.code !== 'unrecognized_keys') {
    return [`${at}: ${issue.message}.`];
  }
  return issue.keys.map((key) => {
    const meant = nearestKey(configSchema, issue.path, key);
    return `There is no key "${at ? `${at}.` : ''}${key}"${meant ? `: did you mean "${meant}"?` : '.'}`;
  });
}
