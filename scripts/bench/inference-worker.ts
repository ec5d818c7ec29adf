/**
 * A fresh process that loads what a feed needs and runs each network once: `bench inference` times it from its spawning to its last
 * line. Arguments: the settings of the networks as JSON, then ONNX files.
 */
import { Arena } from '../../server/frame/arena.ts';
import { createRuntime } from '../../server/inference/runtime.ts';
import { runtimeOptions } from '../../server/inference/runtime-options.ts';
import { inferenceSettings } from '../../server/inference/settings.ts';

const [settings = '', ...files] = process.argv.slice(2);
const arena = new Arena(256);
const runtime = createRuntime(runtimeOptions(inferenceSettings.parse(JSON.parse(settings))));
const sessions = await Promise.all(files.map((file) => runtime.load(file, arena)));
for (const session of sessions) await session.run();
process.stdout.write('ready\n');
runtime.close();
